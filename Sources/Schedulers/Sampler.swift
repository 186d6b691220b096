import TensorCore

/// One way from noise to a picture: a small value that knows its timesteps and how to take each step.
///
/// It never sees a network. Noise is injected, and whatever history a method needs is its own state, so that a sampler
/// copied is a trajectory forked.
public protocol Sampler: Sendable {
  /// What the network is asked at each step, from noise to picture.
  var timesteps: [Int] { get }
  /// ᾱ at each step.
  var alphasCumprod: [Float] { get }
  /// The deviation of the noise that it starts from.
  var initialNoiseScale: Float { get }
  /// Whether step number `i` adds noise.
  func needsNoise(_ i: Int) -> Bool
  /// The picture after step number `i`.
  ///
  /// - Parameters:
  ///   - i: counted from 0.
  ///   - denoised: what the network said about `x`, with x₀ clipped.
  ///   - x: the picture before the step.
  ///   - noise: standard normal, of x's shape, where `needsNoise(i)`.
  mutating func step(_ i: Int, _ denoised: Denoised, _ x: Tensor, noise: Tensor?) -> Tensor
}

extension Sampler {
  /// Variance-preserving samplers start from unit noise.
  public var initialNoiseScale: Float { 1 }
}

extension SchedulerConfig {
  /// The sampler of this configuration's class.
  ///
  /// - Parameters:
  ///   - steps: how many network evaluations.
  ///   - eta: DDIM's η; DDPM has none.
  /// - Throws: `SchedulerError`.
  public func sampler(steps: Int, eta: Float = 0) throws(SchedulerError) -> any Sampler {
    let schedule = try NoiseSchedule(self)
    switch className {
    case .ddpm: return DDPM(schedule, timesteps: try timesteps(steps), variance: varianceType)
    case .ddim:
      return DDIM(
        schedule, timesteps: try timesteps(steps), stride: numTrainTimesteps / steps, eta: eta,
        setAlphaToOne: setAlphaToOne)
    }
  }
}
