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
  precondition(prediction.shape == target.shape, "a loss of \(prediction.shape) and \(target.shape)")
  let target = target.ordered(like: prediction)
  let n = prediction.shape[0]
  let size = prediction.count / n
  let terms = Tensor(uninitialized: [n])
  parallelFor(n) { i in
    let squared = dk_squared_distance(prediction.pointer + i * size, target.pointer + i * size, size)
    terms.pointer[i] = Float(squared / Double(size)) * (sampleWeights?[i] ?? 1)
  }
  let value = Tensor([Float(terms.values.map(Double.init).reduce(0, +) / Double(n))], shape: [1])
  let source = prediction.detached
  return value.recorded(inputs: [prediction]) { dy, _ in
    let factors = (0..<n).map { 2 * dy.item * (sampleWeights?[$0] ?? 1) / Float(n * size) }
    return [withoutGradients { .combination(perSample: factors, source, factors.map { -$0 }, target) }]
  }
}
