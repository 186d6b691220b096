import TensorCore

/// AdamW (Loshchilov & Hutter 2019) with clipping of the gradient's norm, in PyTorch's order of operations.
public final class AdamW {
  /// β₁, β₂ and ε of Adam, and the decoupled weight decay.
  public struct Options: Codable, Sendable, Equatable {
    /// β₁, the decay of the mean of the gradients; in 0 ..< 1.
    public var beta1: Float = 0.9
    /// β₂, the decay of the mean of their squares; in 0 ..< 1.
    public var beta2: Float = 0.999
    /// ε, added to the root of the second moment; more than 0.
    public var epsilon: Float = 1e-8
    /// λ: a step takes the share learningRate · λ off each parameter.
    public var weightDecay: Float = 0.01
    /// The norm that all gradients together are cut to; nil for none.
    public var maxGradientNorm: Float? = 1

    /// PyTorch's defaults, and a norm of 1.
    public init() {}
  }

  /// Hyper-parameters; not changed by a step.
  public let options: Options
  /// Running means of the gradients and of their squares, in the order of the parameters.
  public let firstMoments: [Tensor], secondMoments: [Tensor]
  /// How many steps were taken.
  public private(set) var stepsTaken: Int
  private let parameters: [Tensor]

  /// Moments of zero, or `moments` and a count from a run that goes on.
  public init(
    _ parameters: [Tensor], _ options: Options, moments: (first: [Tensor], second: [Tensor])? = nil,
    stepsTaken: Int = 0
  ) {
    self.parameters = parameters
    self.options = options
    self.stepsTaken = stepsTaken
    firstMoments = moments?.first ?? parameters.map { .zeros($0.shape) }
    secondMoments = moments?.second ?? parameters.map { .zeros($0.shape) }
  }

  /// The norm of all `gradients` together.
  public static func norm(_ gradients: [Tensor]) -> Float {
    Float(gradients.reduce(0) { $0 + squaredNorm($1) }.squareRoot())
  }

  /// Updates the parameters in place.
  ///
  /// - Parameter norm: that of all `gradients`, from `AdamW.norm`.
  public func step(_ gradients: [Tensor], norm: Float, learningRate: Float) {
    stepsTaken += 1
    // torch.nn.utils.clip_grad_norm_ adds 1e-6 to the norm.
    let scale = options.maxGradientNorm.map { min(1, $0 / (norm + 1e-6)) } ?? 1
    let constants = AdamWStep(
      learningRate: learningRate, beta1: options.beta1, beta2: options.beta2, epsilon: options.epsilon,
      weightDecay: options.weightDecay, step: stepsTaken, gradientScale: scale)
    for i in parameters.indices {
      adamWStep(
        parameter: parameters[i], gradient: gradients[i], firstMoment: firstMoments[i],
        secondMoment: secondMoments[i], constants)
    }
  }
}
