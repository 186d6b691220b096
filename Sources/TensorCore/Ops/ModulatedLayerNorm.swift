import CKernels

/// Layer normalisation whose scale and offset are told it from outside, a pair a sample: the adaptive norm of DiT
/// (Peebles & Xie 2023),
///
///     ((x − μ)/√(σ² + ε)·weight + bias)·(1 + scale) + shift
///
/// in one pass over x.
///
/// - Parameters:
///   - x: `[N, T, D]`.
///   - scale: `[N, D]`.
///   - shift: `[N, D]`.
///   - weight: `[D]`, or nil for an unlearned scale of 1; the bias goes with it.
/// - Returns: `[N, T, D]`.
public func modulatedLayerNorm(
  _ x: Tensor, scale: Tensor, shift: Tensor, weight: Tensor?, bias: Tensor?, epsilon: Float
) -> Tensor {
  let runs = TokenRuns(x.shape)
  let (n, d) = (runs.n, runs.d)
  precondition(scale.shape == [n, d] && shift.shape == [n, d], "\(scale.shape) modulates \(x.shape)")
  // x̂·gain + offset, with a gain and an offset a sample: [N, D] each.
  let (gain, offset) = (Tensor(uninitialized: [n, d]), Tensor(uninitialized: [n, d]))
  for i in 0..<n * d {
    let outer = 1 + scale.pointer[i]
    gain.pointer[i] = (weight?.pointer[i % d] ?? 1) * outer
    offset.pointer[i] = (bias?.pointer[i % d] ?? 0) * outer + shift.pointer[i]
  }
  let y = Tensor(uninitialized: x.shape)
  let (mean, rstd) = (Storage(count: n * runs.t), Storage(count: n * runs.t))
  runs.forEach { _, sample, row, rows in
    dk_layer_norm(
      x.pointer + row * d, y.pointer + row * d, rows, d, gain.pointer + sample * d,
      offset.pointer + sample * d, epsilon, mean.pointer + row, rstd.pointer + row)
  }
  let source = x.saved
  let factors = scale.detached
  return y.recorded(inputs: [x, scale, shift] + [weight, bias].compactMap { $0 }) { dy, _ in
    let x = source()
    let dx = Tensor(uninitialized: x.shape)
    let (gains, offsets) = (
      Tensor(uninitialized: [runs.count, d]), Tensor(uninitialized: [runs.count, d])
    )
    runs.forEach { task, sample, row, rows in
      dk_layer_norm_gradient(
        x.pointer + row * d, dy.pointer + row * d, dx.pointer + row * d, rows, d, gain.pointer + sample * d,
        mean.pointer + row, rstd.pointer + row, gains.pointer + task * d, offsets.pointer + task * d)
    }
    let (dgain, doffset) = (runs.summed(gains), runs.summed(offsets))
    guard let weight else { return [dx, dgain, doffset] }
    let (dscale, dweight, dbias) = (Tensor(uninitialized: [n, d]), Tensor.zeros([d]), Tensor.zeros([d]))
    for i in 0..<n * d {
      let (c, outer) = (i % d, 1 + factors.pointer[i])
      dscale.pointer[i] = dgain.pointer[i] * weight.pointer[c] + doffset.pointer[i] * (bias?.pointer[c] ?? 0)
      dweight.pointer[c] += dgain.pointer[i] * outer
      dbias.pointer[c] += doffset.pointer[i] * outer
    }
    return [dx, dscale, doffset, dweight] + (bias == nil ? [] : [dbias])
  }
}
