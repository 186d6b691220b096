import TensorCore

extension Tensor {
  /// Normal values, each sample's by a key of its own, so that no batch changes them: `[N, …]`.
  ///
  /// - Parameters:
  ///   - keys: N of them.
  ///   - shape: of all samples together; its first is N.
  static func normal(_ keys: [NoiseKey], shape: [Int]) -> Tensor {
    let size = shape.dropFirst().reduce(1, *)
    let result = Tensor(uninitialized: shape)
    parallelFor(keys.count) { n in
      Philox(keys[n]).normal(size).withUnsafeBufferPointer { values in
        guard let base = values.baseAddress else { return }
        (result.pointer + n * size).update(from: base, count: size)
      }
    }
    return result
  }
}
