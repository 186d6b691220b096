import CKernels

extension Tensor {
  /// The sum of all values, as a tensor of one.
  public func sum() -> Tensor {
    let whole = self
    let plain = ordered(.plain)
    return Tensor([Float(dk_sum(plain.pointer, count))], shape: [1]).recorded(inputs: [self]) { dy, _ in
      [.full(whole.shape, dy.item)]
    }
  }
}

/// mean((prediction − target)²), with a weight a sample if given; `target` is a constant.
///
/// - Parameters:
///   - prediction: `[N, ...]`.
///   - target: the same shape.
///   - sampleWeights: N factors; the sum is divided by the number of values, whatever the weights.
/// - Returns: one value.
public func meanSquaredError(_ prediction: Tensor, _ target: Tensor, sampleWeights: [Float]? = nil) -> Tensor
{
  squaredErrors(prediction, target).weightedMean(
    sampleWeights ?? Array(repeating: 1, count: prediction.shape[0]))
}
