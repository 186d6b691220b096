import CKernels

/// Rows of a table, as `torch.nn.functional.embedding`.
///
/// - Parameters:
///   - indices: each in 0 ..< K.
///   - table: `[K, D]`.
/// - Returns: `[indices.count, D]`.
public func embedding(_ indices: [Int], table: Tensor) -> Tensor {
  let (k, d) = table.shape2
  precondition(indices.allSatisfy { 0..<k ~= $0 }, "an index outside a table of \(k)")
  let y = Tensor(uninitialized: [indices.count, d])
  for (row, index) in indices.enumerated() {
    (y.pointer + row * d).update(from: table.pointer + index * d, count: d)
  }
  return y.recorded(inputs: [table]) { dy, _ in
    let gradient = Tensor.zeros([k, d])
    for (row, index) in indices.enumerated() {
      dk_add(gradient.pointer + index * d, dy.pointer + row * d, gradient.pointer + index * d, d)
    }
    return [gradient]
  }
}
