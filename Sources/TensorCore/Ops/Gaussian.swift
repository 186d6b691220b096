import CKernels

/// mean + e^(logVariance/2)·noise: a draw from a diagonal Gaussian that its parameters can be learned through (Kingma &
/// Welling 2014).
///
/// - Parameters:
///   - mean: `[N, ...]`.
///   - logVariance: the same shape.
///   - noise: standard normal, of the same shape; a constant.
public func gaussianSample(mean: Tensor, logVariance: Tensor, noise: Tensor) -> Tensor {
  precondition(mean.shape == logVariance.shape && mean.shape == noise.shape, "a Gaussian of unlike shapes")
  let (logVariance, noise) = (logVariance.ordered(like: mean), noise.ordered(like: mean))
  let z = Tensor(uninitialized: mean.shape, order: mean.order)
  parallelRuns(z.count) { run in
    let at = run.lowerBound
    dk_gaussian_sample(
      mean.pointer + at, logVariance.pointer + at, noise.pointer + at, z.pointer + at, run.count)
  }
  let source = logVariance.detached
  return z.recorded(inputs: [mean, logVariance]) { dz, needed in
    guard needed[1] else { return [dz, nil] }
    let (dz, gradient) = (dz.ordered(like: source), Tensor(uninitialized: source.shape, order: source.order))
    parallelRuns(gradient.count) { run in
      let at = run.lowerBound
      dk_gaussian_sample_gradient(
        source.pointer + at, noise.pointer + at, dz.pointer + at, gradient.pointer + at, run.count)
    }
    return [dz, gradient]
  }
}

/// The divergence KL(N(mean, e^logVariance) ‖ N(0, 1)): summed over a sample's values, meant over the batch.
///
/// - Parameters:
///   - mean: `[N, ...]`.
///   - logVariance: the same shape.
/// - Returns: one value, in nats.
public func gaussianDivergence(mean: Tensor, logVariance: Tensor) -> Tensor {
  precondition(mean.shape == logVariance.shape, "a Gaussian of unlike shapes")
  let logVariance = logVariance.ordered(like: mean)
  let terms = Tensor(uninitialized: mean.shape, order: mean.order)
  parallelRuns(terms.count) { run in
    let at = run.lowerBound
    dk_gaussian_divergence(mean.pointer + at, logVariance.pointer + at, terms.pointer + at, run.count)
  }
  let n = mean.shape[0]
  let value = Tensor([Float(dk_sum(terms.pointer, terms.count) / Double(n))], shape: [1])
  let (center, spread) = (mean.detached, logVariance.detached)
  return value.recorded(inputs: [mean, logVariance]) { dy, _ in
    let gradients = (
      Tensor(uninitialized: center.shape, order: center.order),
      Tensor(uninitialized: center.shape, order: center.order)
    )
    parallelRuns(center.count) { run in
      let at = run.lowerBound
      dk_gaussian_divergence_gradient(
        center.pointer + at, spread.pointer + at, dy.item / Float(n), gradients.0.pointer + at,
        gradients.1.pointer + at, run.count)
    }
    return [gradients.0, gradients.1]
  }
}
