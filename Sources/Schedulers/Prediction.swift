import TensorCore

/// What a network's output says about a noisy picture x = alpha·x₀ + sigma·ε.
public struct Denoised {
  /// The clean picture x₀, clipped as the schedule wants it.
  public var x0: Tensor
  /// The noise ε, as the network has it: not of the clipped x₀.
  public var epsilon: Tensor
  /// The network's output itself.
  public var output: Tensor
  /// What the network says of the variance of the step, where it does: raw output, of x's shape.
  public var variance: Tensor?
  /// The gradient of what guides the step's mean, of x's shape, where something does: s·∇log p(y|x).
  public var gradient: Tensor?

  /// The noise that goes with the clipped x₀: (x − alpha·x₀)/sigma.
  func noise(in x: Tensor, at level: NoiseLevel) -> Tensor {
    .combination([(1 / level.sigma, x), (-level.alpha / level.sigma, x0)])
  }
}

/// How a network's output is to be read.
public enum Parametrization: Sendable, Equatable {
  case prediction(SchedulerConfig.PredictionType)
  /// x₀ = c_skip·x + c_out·output (Karras et al. 2022, table 1), the output negated for v-prediction.
  case preconditioned(sigmaData: Float, negated: Bool)

  /// The output of a network whose score has `gradient`, with respect to x, added to it: ε falls by σ·gradient, and x₀
  /// rises by σ²/α·gradient.
  public func guided(_ output: Tensor, by gradient: Tensor, _ evaluation: Evaluation) -> Tensor {
    let (alpha, sigma) = (evaluation.level.alpha, evaluation.level.sigma)
    let rise = sigma * sigma / alpha
    let weight: Float =
      switch self {
      case .prediction(.epsilon): -sigma
      case .prediction(.sample): rise
      // v of the picture as it is shown: s·(α·ε − σ·x₀).
      case .prediction(.vPrediction): -evaluation.inputScale * (alpha * sigma + sigma * rise)
      case .prediction(.flow): -(sigma + rise)
      case .preconditioned(let sigmaData, let negated):
        (negated ? -1 : 1) * rise * (sigma * sigma + sigmaData * sigmaData).squareRoot() / (sigma * sigmaData)
      }
    return .combination([(Float(1), output), (weight, gradient)])
  }

  /// [N, C, H, W] each: `output` for the picture `x` shown in `evaluation`.
  public func denoised(_ output: Tensor, _ x: Tensor, _ evaluation: Evaluation) -> Denoised {
    let (alpha, sigma) = (evaluation.level.alpha, evaluation.level.sigma)
    switch self {
    case .prediction(.epsilon):
      return Denoised(
        x0: .combination([(1 / alpha, x), (-sigma / alpha, output)]), epsilon: output, output: output)
    case .prediction(.sample):
      return Denoised(
        x0: output, epsilon: .combination([(1 / sigma, x), (-alpha / sigma, output)]),
        output: output)
    case .prediction(.vPrediction):
      // v is that of the picture as it is shown, whose alpha² + sigma² is 1.
      let (s, a, b) = (evaluation.inputScale, alpha * evaluation.inputScale, sigma * evaluation.inputScale)
      return Denoised(
        x0: .combination([(a * s, x), (-b, output)]), epsilon: .combination([(a, output), (b * s, x)]),
        output: output)
    case .prediction(.flow):
      return Denoised(
        x0: .combination([(Float(1), x), (-sigma, output)]),
        epsilon: .combination([(Float(1), x), (alpha, output)]),
        output: output)
    case .preconditioned(let sigmaData, let negated):
      let total = sigma * sigma + sigmaData * sigmaData
      let skip = sigmaData * sigmaData / total
      let out = (negated ? -1 : 1) * sigma * sigmaData / total.squareRoot()
      let x0 = Tensor.combination([(skip, x), (out, output)])
      return Denoised(x0: x0, epsilon: .combination([(1 / sigma, x), (-1 / sigma, x0)]), output: output)
    }
  }
}
