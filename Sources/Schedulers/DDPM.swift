import Foundation
import TensorCore

/// Ancestral sampling (Ho et al. 2020, "Denoising diffusion probabilistic models", equations 6 and 7), over any
/// descending subset of the timesteps.
public struct DDPM: Sampler {
  /// Visited timesteps, descending.
  public let timesteps: [Int]
  /// ᾱ at each.
  public let alphasCumprod: [Float]
  let variance: SchedulerConfig.VarianceType

  /// - Parameter timesteps: descending, each below the schedule's count.
  public init(_ schedule: NoiseSchedule, timesteps: [Int], variance: SchedulerConfig.VarianceType) {
    self.timesteps = timesteps
    alphasCumprod = timesteps.map { schedule.alphasCumprod[$0] }
    self.variance = variance
  }

  /// All but the step from timestep 0.
  public func needsNoise(_ i: Int) -> Bool { timesteps[i] > 0 }

  /// x′ = √ᾱ′·β/(1 − ᾱ)·x₀ + √α·(1 − ᾱ′)/(1 − ᾱ)·x + σ·noise
  public func step(_ i: Int, _ denoised: Denoised, _ x: Tensor, noise: Tensor?) -> Tensor {
    let alphaBar = alphasCumprod[i]
    let alphaBarNext = i + 1 < alphasCumprod.count ? alphasCumprod[i + 1] : 1
    let alpha = alphaBar / alphaBarNext
    let beta = 1 - alpha
    var terms = [
      (alphaBarNext.squareRoot() * beta / (1 - alphaBar), denoised.x0),
      (alpha.squareRoot() * (1 - alphaBarNext) / (1 - alphaBar), x),
    ]
    if needsNoise(i), let noise {
      terms.append((deviation(betaTilde: (1 - alphaBarNext) / (1 - alphaBar) * beta, beta: beta), noise))
    }
    return .combination(terms)
  }

  /// σ from β̃, the variance of the true posterior given x₀, or from β, that given nothing.
  private func deviation(betaTilde: Float, beta: Float) -> Float {
    let floored = max(betaTilde, 1e-20)
    switch variance {
    case .fixedSmall: return floored.squareRoot()
    case .fixedSmallLog: return expf(0.5 * logf(floored))
    // diffusers takes the square root of log β for the latter, which is not a number; the paper's σ² is β.
    case .fixedLarge, .fixedLargeLog: return beta.squareRoot()
    }
  }
}
