import CKernels
import Foundation

/// What one step of AdamW needs besides the tensors.
public struct AdamWStep: Sendable {
  /// Step size at this step.
  public var learningRate: Float
  /// Decay of the first and second moments, and the term that keeps the quotient finite.
  public var beta1: Float, beta2: Float, epsilon: Float
  /// Decoupled weight decay.
  public var weightDecay: Float
  /// Counted from 1.
  public var step: Int
  /// Every gradient is multiplied by this first: the clipping coefficient.
  public var gradientScale: Float

  /// Hyper-parameters by name.
  public init(
    learningRate: Float, beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float, step: Int,
    gradientScale: Float = 1
  ) {
    (self.learningRate, self.beta1, self.beta2) = (learningRate, beta1, beta2)
    (self.epsilon, self.weightDecay) = (epsilon, weightDecay)
    (self.step, self.gradientScale) = (step, gradientScale)
  }
}

/// One AdamW update in place (Loshchilov & Hutter 2019), in PyTorch's order of operations.
public func adamWStep(
  parameter: Tensor, gradient: Tensor, firstMoment: Tensor, secondMoment: Tensor, _ o: AdamWStep
) {
  let gradient = gradient.ordered(like: parameter)
  let constants = dk_adamw(
    learning_rate: o.learningRate, beta1: o.beta1, beta2: o.beta2, epsilon: o.epsilon,
    weight_decay: o.weightDecay, bias_correction1: Float(1 - pow(Double(o.beta1), Double(o.step))),
    root_bias_correction2: Float((1 - pow(Double(o.beta2), Double(o.step))).squareRoot()),
    gradient_scale: o.gradientScale)
  parallelRuns(parameter.count) { run in
    let at = run.lowerBound
    dk_adamw_step(
      parameter.pointer + at, gradient.pointer + at, firstMoment.pointer + at, secondMoment.pointer + at,
      run.count,
      constants)
  }
  parameter.storage.invalidate()
}

/// average += (1 − decay)·(parameter − average), in place.
public func emaStep(average: Tensor, parameter: Tensor, decay: Float) {
  parallelRuns(parameter.count) { run in
    dk_ema_step(average.pointer + run.lowerBound, parameter.pointer + run.lowerBound, decay, run.count)
  }
  average.storage.invalidate()
}

/// Σ x², summed in double over runs of fixed length.
public func squaredNorm(_ x: Tensor) -> Double {
  let run = 16_384
  let parts = (x.count + run - 1) / run
  let sums = UnsafeMutablePointer<Double>.allocate(capacity: parts)
  defer { sums.deallocate() }
  parallelFor(parts) { i in
    let at = x.pointer + i * run
    sums[i] = dk_dot(at, at, min(run, x.count - i * run))
  }
  return (0..<parts).reduce(0) { $0 + sums[$1] }
}
