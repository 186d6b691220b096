import Foundation
import TensorCore

/// How a noisy picture is mixed: x = alpha·x₀ + sigma·ε.
///
/// Variance-preserving noise has alpha² + sigma² = 1, variance-exploding noise alpha = 1, a rectified flow alpha = 1 − sigma.
public struct NoiseLevel: Sendable, Equatable {
  /// The picture's share.
  public let alpha: Float
  /// The noise's.
  public let sigma: Float

  /// - Parameters:
  ///   - alpha: the picture's share.
  ///   - sigma: the noise's.
  public init(alpha: Float, sigma: Float) { (self.alpha, self.sigma) = (alpha, sigma) }

  /// √ᾱ and √(1 − ᾱ).
  public init(alphaCumprod: Float) {
    self.init(alpha: alphaCumprod.squareRoot(), sigma: (1 - alphaCumprod).squareRoot())
  }

  /// The variance-preserving level whose ratio of noise to picture is `ratio`.
  public init(ratio: Float) {
    let alpha = 1 / (ratio * ratio + 1).squareRoot()
    self.init(alpha: alpha, sigma: ratio * alpha)
  }

  /// Noise added to an unscaled picture (Karras et al. 2022).
  public static func exploding(_ sigma: Float) -> NoiseLevel { NoiseLevel(alpha: 1, sigma: sigma) }

  /// On the straight line from picture to noise (Liu et al. 2022).
  public static func flow(_ sigma: Float) -> NoiseLevel { NoiseLevel(alpha: 1 - sigma, sigma: sigma) }

  /// A picture without noise.
  public static let clean = NoiseLevel(alpha: 1, sigma: 0)

  /// What stands at this level: alpha·x₀ + sigma·noise.
  public func noised(_ x0: Tensor, _ noise: Tensor) -> Tensor {
    .combination([(alpha, x0), (sigma, noise)])
  }

  /// What stands at this level, brought to the deviation that a picture of deviation 1 has.
  public func normalized(_ x: Tensor) -> Tensor { 1 / (alpha * alpha + sigma * sigma).squareRoot() * x }

  /// What stands at this level, from what stands at a lower one and new noise (Lugmayr et al. 2022, equation 7, over
  /// several steps at once).
  public func renoised(_ x: Tensor, from lower: NoiseLevel, _ noise: Tensor) -> Tensor {
    let share = alpha / lower.alpha
    let left = sigma * sigma - share * share * lower.sigma * lower.sigma
    return .combination([(share, x), (max(left, 0).squareRoot(), noise)])
  }

  /// ᾱ of the variance-preserving level of the same ratio.
  public var alphaCumprod: Float { alpha * alpha / (alpha * alpha + sigma * sigma) }
  /// The signal-to-noise ratio, alpha²/sigma².
  public var snr: Double { pow(Double(alpha) / Double(sigma), 2) }
  /// Half the logarithm of that, λ (Lu et al. 2022); infinite where no noise is left.
  var lambda: Double { log(Double(alpha)) - log(Double(sigma)) }
}

/// One call of the network.
public struct Evaluation: Sendable, Equatable {
  /// What the network is told: a training timestep, or what lies between two.
  public let timestep: Float
  /// How the picture that it is shown is mixed.
  public let level: NoiseLevel
  /// What the picture is multiplied by before it is shown.
  public let inputScale: Float
  /// Its number among its sampler's, as `Sampler.evaluation` has it: some samplers ask the same twice.
  public internal(set) var index = 0

  /// - Parameters:
  ///   - timestep: what the network is told.
  ///   - level: how the picture that it is shown is mixed.
  ///   - inputScale: what the picture is multiplied by before it is shown.
  public init(timestep: Float, level: NoiseLevel, inputScale: Float = 1) {
    (self.timestep, self.level, self.inputScale) = (timestep, level, inputScale)
  }
}
