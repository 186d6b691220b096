import CKernels

/// Layer normalisation over the last dimension (Ba et al. 2016): (x − μ)/√(σ² + ε)·weight + bias.
///
/// - Parameters:
///   - x: `[..., D]`.
///   - weight: `[D]`, or nil for an unlearned scale of 1; the bias goes with it.
/// - Returns: the shape of x.
public func layerNorm(_ x: Tensor, weight: Tensor?, bias: Tensor?, epsilon: Float) -> Tensor {
  let x = x.ordered(.plain)
  let columns = x.shape[x.shape.count - 1]
  let rows = x.count / columns
  let y = Tensor(uninitialized: x.shape)
  let (mean, rstd) = (Storage(count: rows), Storage(count: rows))
  let run = 32
  let tasks = (rows + run - 1) / run
  parallelFor(tasks) { task in
    let at = task * run
    dk_layer_norm(
      x.pointer + at * columns, y.pointer + at * columns, min(run, rows - at), columns, weight?.pointer,
      bias?.pointer, epsilon, mean.pointer + at, rstd.pointer + at)
  }
  let source = x.saved
  return y.recorded(inputs: [x] + [weight, bias].compactMap { $0 }) { dy, _ in
    let (x, dy) = (source(), dy.ordered(.plain))
    let dx = Tensor(uninitialized: x.shape)
    // Each run's share of the parameters' gradients, added up in order below.
    let (dweight, dbias) = (
      Tensor(uninitialized: [tasks, columns]), Tensor(uninitialized: [tasks, columns])
    )
    parallelFor(tasks) { task in
      let at = task * run
      dk_layer_norm_gradient(
        x.pointer + at * columns, dy.pointer + at * columns, dx.pointer + at * columns, min(run, rows - at),
        columns,
        weight?.pointer, mean.pointer + at, rstd.pointer + at, dweight.pointer + task * columns,
        dbias.pointer + task * columns)
    }
    var gradients: [Tensor?] = [dx]
    if weight != nil { gradients.append(dweight.summedRows(columns: columns)) }
    if bias != nil { gradients.append(dbias.summedRows(columns: columns)) }
    return gradients
  }
}
