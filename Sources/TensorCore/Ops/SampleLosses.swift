import CKernels

// Losses with one value a sample, so that each can be weighted, and remembered, by itself.

extension Tensor {
  /// Σ weight·value / N over a vector `[N]`, as a tensor of one.
  public func weightedMean(_ weights: [Float]) -> Tensor {
    precondition(shape == [weights.count], "\(weights.count) weights for \(shape)")
    let n = Double(weights.count)
    let sum = zip(values, weights).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    return Tensor([Float(sum / n)], shape: [1]).recorded(inputs: [self]) { dy, _ in
      [Tensor(weights.map { Float(Double(dy.item) * Double($0) / n) }, shape: [weights.count])]
    }
  }
}

/// The mean of (prediction − target)² within each sample; `target` is a constant.
///
/// - Parameters:
///   - prediction: `[N, ...]`.
///   - target: the same shape.
/// - Returns: `[N]`.
public func squaredErrors(_ prediction: Tensor, _ target: Tensor) -> Tensor {
  let source = prediction.detached
  let target = target.ordered(like: prediction)
  let (n, size) = sampleSizes(prediction, target)
  let errors = Tensor(uninitialized: [n])
  parallelFor(n) { i in
    let (p, t) = (source.pointer + i * size, target.pointer + i * size)
    errors.pointer[i] = Float(dk_squared_distance(p, t, size) / Double(size))
  }
  return errors.recorded(inputs: [prediction]) { dy, _ in
    let factors = dy.values.map { 2 * $0 / Float(size) }
    return [withoutGradients { .combination(perSample: factors, source, factors.map { -$0 }, target) }]
  }
}

/// The mean of 2c·(√(d² + c²) − c) within each sample, where d = prediction − target: d² where d is far below c, and
/// 2c·|d| where it is far above (Charbonnier et al. 1997, in the scale that diffusers gives it); `target` is a constant.
///
/// - Parameters:
///   - prediction: `[N, ...]`.
///   - target: the same shape.
///   - constants: c of each sample, more than 0.
/// - Returns: `[N]`.
public func pseudoHuberErrors(_ prediction: Tensor, _ target: Tensor, constants: [Float]) -> Tensor {
  let source = prediction.detached
  let target = target.ordered(like: prediction)
  let (n, size) = sampleSizes(prediction, target)
  precondition(constants.count == n, "\(constants.count) constants for \(n) samples")
  let errors = Tensor(uninitialized: [n])
  parallelFor(n) { i in
    let (p, t, c) = (source.pointer + i * size, target.pointer + i * size, Double(constants[i]))
    var sum = 0.0
    for k in 0..<size {
      let d = Double(p[k]) - Double(t[k])
      // √(d² + c²) − c without its cancellation.
      sum += d * d / ((d * d + c * c).squareRoot() + c)
    }
    errors.pointer[i] = Float(2 * c * sum / Double(size))
  }
  return errors.recorded(inputs: [prediction]) { dy, _ in
    let gradient = Tensor(uninitialized: source.shape, order: source.order)
    parallelFor(n) { i in
      let (p, t, g) = (source.pointer + i * size, target.pointer + i * size, gradient.pointer + i * size)
      let c = constants[i]
      let factor = 2 * c * dy.pointer[i] / Float(size)
      for k in 0..<size {
        let d = p[k] - t[k]
        g[k] = factor * d / (d * d + c * c).squareRoot()
      }
    }
    return [gradient]
  }
}

/// How many samples, and values in each, two tensors of one shape have.
private func sampleSizes(_ prediction: Tensor, _ target: Tensor) -> (n: Int, size: Int) {
  precondition(prediction.shape == target.shape, "a loss of \(prediction.shape) and \(target.shape)")
  return (prediction.shape[0], prediction.count / prediction.shape[0])
}
