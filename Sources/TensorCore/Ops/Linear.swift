import CKernels

/// activation(x·weightᵀ + bias), as `torch.nn.functional.linear`. Where nothing is recorded, the activation happens on the way
/// out of the product.
///
/// - Parameters:
///   - x: `[..., In]`.
///   - weight: `[Out, In]`.
///   - bias: `[Out]`.
/// - Returns: `[..., Out]`.
public func linear(_ x: Tensor, weight: Tensor, bias: Tensor?, activation: Activation = .identity) -> Tensor {
  let (out, inner) = weight.shape2
  precondition(x.shape.last == inner, "a linear map of \(weight.shape) was given \(x.shape)")
  let x = x.ordered(.plain)
  let rows = x.count / inner
  let y = Tensor(uninitialized: x.shape.dropLast() + [out])
  let isRecorded = Tape.current != nil
  MatrixProduct.run(
    x, weight, transposeB: true, bias: bias, activation: isRecorded ? .identity : activation, into: y,
    m: rows,
    k: inner, n: out, keepingB: !isRecorded)
  if !isRecorded { return y }
  let source = x.kept
  return y.recorded(inputs: [x, weight] + (bias.map { [$0] } ?? [])) { dy, needed in
    let dy = dy.ordered(.plain)
    var gradients = [Tensor?](repeating: nil, count: needed.count)
    if needed[0] {
      let dx = Tensor(uninitialized: dy.shape.dropLast() + [inner])
      MatrixProduct.run(dy, weight, into: dx, m: rows, k: out, n: inner)
      gradients[0] = dx
    }
    if needed[1] {
      let dweight = Tensor(uninitialized: [out, inner])
      MatrixProduct.run(dy, transposeA: true, source(), into: dweight, m: out, k: rows, n: inner)
      gradients[1] = dweight
    }
    if needed.count > 2, needed[2] { gradients[2] = dy.summedRows(columns: out) }
    return gradients
  }.activated(activation)
}

extension Tensor {
  /// Σ over all dimensions but the last, off the tape.
  func summedRows(columns: Int) -> Tensor {
    let sums = Tensor(uninitialized: [columns])
    let rows = count / columns
    let run = 64
    parallelFor((columns + run - 1) / run) { task in
      let at = task * run
      dk_column_sums(pointer + at, sums.pointer + at, rows, min(run, columns - at), columns)
    }
    return sums
  }
}
