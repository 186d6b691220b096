import TensorCore

/// Euler's method on dx/dσ = (x − x₀)/σ (Karras et al. 2022, algorithm 1 without its correction). In a rectified flow that
/// quotient is the velocity, so the same step serves it.
public struct Euler: Sampler {
  /// One a step.
  public let evaluations: [Evaluation]
  /// The deviation of the noise that it starts from.
  public let initialNoiseScale: Float
  private let sigmas: [Float]
  private let renewsNoise: Bool

  /// - Parameters:
  ///   - sigmas: one more than there are evaluations.
  ///   - renewsNoise: whether a step goes to x₀ and from there to the next level with new noise; of flows alone.
  init(_ evaluations: [Evaluation], sigmas: [Float], initialNoiseScale: Float, renewsNoise: Bool = false) {
    (self.evaluations, self.sigmas) = (evaluations, sigmas)
    (self.initialNoiseScale, self.renewsNoise) = (initialNoiseScale, renewsNoise)
  }

  /// Where noise is renewed.
  public func needsNoise(_ i: Int) -> Bool { renewsNoise }

  /// Where noise is not renewed.
  public var isMemoryless: Bool { !renewsNoise }

  /// x′ = x + (σ′ − σ)·(x − x₀)/σ
  public func step(_ i: Int, _ denoised: Denoised, _ x: Tensor, noise: Tensor?) -> Tensor {
    if renewsNoise, let noise {
      return .combination([(1 - sigmas[i + 1], denoised.x0), (sigmas[i + 1], noise)])
    }
    let h = (sigmas[i + 1] - sigmas[i]) / sigmas[i]
    return .combination([(1 + h, x), (-h, denoised.x0)])
  }
}

/// Euler's method to a level below the next, and noise up to it (Katherine Crowson, k-diffusion, `sample_euler_ancestral`).
public struct EulerAncestral: Sampler {
  /// One a step.
  public let evaluations: [Evaluation]
  /// The deviation of the noise that it starts from.
  public let initialNoiseScale: Float
  private let sigmas: [Float]

  /// - Parameter sigmas: one more than there are evaluations.
  init(_ evaluations: [Evaluation], sigmas: [Float], initialNoiseScale: Float) {
    (self.evaluations, self.sigmas, self.initialNoiseScale) = (evaluations, sigmas, initialNoiseScale)
  }

  /// Every step; the last draws what it does not use, as diffusers does.
  public func needsNoise(_ i: Int) -> Bool { true }

  /// x′ = x + (σ_down − σ)·(x − x₀)/σ + σ_up·noise
  public func step(_ i: Int, _ denoised: Denoised, _ x: Tensor, noise: Tensor?) -> Tensor {
    let (up, down) = ancestralSplit(from: sigmas[i], to: sigmas[i + 1])
    let h = (down - sigmas[i]) / sigmas[i]
    var terms = [(1 + h, x), (-h, denoised.x0)]
    if let noise { terms.append((up, noise)) }
    return .combination(terms)
  }
}

/// σ_up² + σ_down² = σ′², with σ_up the deviation of DDPM's posterior.
func ancestralSplit(from sigma: Float, to next: Float) -> (up: Float, down: Float) {
  let up = (next * next * (sigma * sigma - next * next) / (sigma * sigma)).squareRoot()
  return (up, (next * next - up * up).squareRoot())
}
