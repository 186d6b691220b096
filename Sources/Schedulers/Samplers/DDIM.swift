import TensorCore

/// Implicit sampling (Song et al. 2021, "Denoising diffusion implicit models", equations 12 and 16): deterministic at
/// η = 0, ancestral at η = 1.
public struct DDIM: Sampler {
  /// One a visited timestep.
  public let evaluations: [Evaluation]
  let alphasCumprod: [Float]
  let alphasCumprodNext: [Float]
  let eta: Float

  /// - Parameters:
  ///   - timesteps: descending, each below the schedule's count.
  ///   - stride: diffusers looks this far back from each timestep for ᾱ′, whatever the next visited one is.
  ///   - setAlphaToOne: whether the ᾱ′ of the last step is 1, or that of timestep 0.
  public init(_ schedule: NoiseSchedule, timesteps: [Int], stride: Int, eta: Float, setAlphaToOne: Bool) {
    evaluations = schedule.evaluations(timesteps)
    self.eta = eta
    alphasCumprod = timesteps.map { schedule.alphasCumprod[$0] }
    let last = setAlphaToOne ? 1 : schedule.alphasCumprod[0]
    alphasCumprodNext = timesteps.map { $0 >= stride ? schedule.alphasCumprod[$0 - stride] : last }
  }

  /// Every step, unless η is 0.
  public func needsNoise(_ i: Int) -> Bool { eta > 0 }

  /// Where η is 0.
  public var isMemoryless: Bool { eta == 0 }

  /// x′ = √ᾱ′·x₀ + √(1 − ᾱ′ − σ²)·ε + σ·noise,  σ = η·√((1 − ᾱ′)/(1 − ᾱ)·(1 − ᾱ/ᾱ′))
  public func step(_ i: Int, _ denoised: Denoised, _ x: Tensor, noise: Tensor?) -> Tensor {
    let (alphaBar, alphaBarNext) = (alphasCumprod[i], alphasCumprodNext[i])
    let variance = (1 - alphaBarNext) / (1 - alphaBar) * (1 - alphaBar / alphaBarNext)
    let sigma = eta * variance.squareRoot()
    var terms = [
      (alphaBarNext.squareRoot(), denoised.x0),
      // Rounding may take the difference a hair below 0 at η = 1.
      (max(1 - alphaBarNext - sigma * sigma, 0).squareRoot(), denoised.epsilon),
    ]
    if eta > 0, let noise { terms.append((sigma, noise)) }
    return .combination(terms)
  }
}
