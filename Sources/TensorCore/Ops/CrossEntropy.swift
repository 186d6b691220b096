import CKernels
import Foundation

extension Tensor {
  /// −log softmax(x)[label], one value a sample, as `torch.nn.functional.cross_entropy` without a reduction.
  ///
  /// [N, K] → [N]
  ///
  /// - Parameter labels: N classes, each in 0 ..< K.
  public func crossEntropies(_ labels: [Int]) -> Tensor {
    let (n, k) = shape2
    precondition(labels.count == n && labels.allSatisfy { 0..<k ~= $0 }, "\(labels) of \(shape)")
    let probabilities = Tensor(uninitialized: shape)
    probabilities.pointer.update(from: pointer, count: count)
    dk_softmax(probabilities.pointer, n, k)
    let losses = labels.enumerated().map { row, label in
      let logits = UnsafeBufferPointer(start: pointer + row * k, count: k)
      let top = logits.max() ?? 0
      return top + log(logits.reduce(0) { $0 + exp($1 - top) }) - logits[label]
    }
    return Tensor(losses, shape: [n]).recorded(inputs: [self]) { dy, _ in
      let dx = Tensor(uninitialized: [n, k])
      for (row, label) in labels.enumerated() {
        let factor = dy.pointer[row]
        dk_scale(factor, probabilities.pointer + row * k, 0, dx.pointer + row * k, k)
        dx.pointer[row * k + label] -= factor
      }
      return [dx]
    }
  }
}
