import Foundation
import TensorCore

/// Ancestral sampling (Ho et al. 2020, "Denoising diffusion probabilistic models", equations 6 and 7), over any
/// descending subset of the timesteps.
public struct DDPM: Sampler {
  /// One a visited timestep.
  public let evaluations: [Evaluation]
  private let alphasCumprod: [Float]
  private let variance: SchedulerConfig.VarianceType
  private let last: Int

  /// - Parameter timesteps: descending, each below the schedule's count.
  public init(_ schedule: NoiseSchedule, timesteps: [Int], variance: SchedulerConfig.VarianceType) {
    evaluations = schedule.evaluations(timesteps)
    alphasCumprod = timesteps.map { schedule.alphasCumprod[$0] }
    self.variance = variance
    last = timesteps.last == 0 ? timesteps.count - 1 : timesteps.count
  }

  /// All but the step from timestep 0.
  public func needsNoise(_ i: Int) -> Bool { i != last }

  /// Algorithm 1 of Dhariwal & Nichol (2021).
  public var guidesMeans: Bool { true }

  /// x′ = √ᾱ′·β/(1 − ᾱ)·x₀ + √α·(1 − ᾱ′)/(1 − ᾱ)·x + σ²·gradient + σ·noise
  public func step(_ i: Int, _ denoised: Denoised, _ x: Tensor, noise: Tensor?) -> Tensor {
    let alphaBar = alphasCumprod[i]
    let alphaBarNext = i + 1 < alphasCumprod.count ? alphasCumprod[i + 1] : 1
    let alpha = alphaBar / alphaBarNext
    let beta = 1 - alpha
    var terms = [
      (alphaBarNext.squareRoot() * beta / (1 - alphaBar), denoised.x0),
      (alpha.squareRoot() * (1 - alphaBarNext) / (1 - alphaBar), x),
    ]
    let noise = needsNoise(i) ? noise : nil
    guard noise != nil || denoised.gradient != nil else { return .combination(terms) }
    let betaTilde = max((1 - alphaBarNext) / (1 - alphaBar) * beta, 1e-20)
    if let learned = denoised.variance {
      let deviation = learnedDeviation(learned, betaTilde: betaTilde, beta: beta)
      if let gradient = denoised.gradient { terms.append((1, deviation * deviation * gradient)) }
      if let noise { terms.append((1, deviation * noise)) }
    } else {
      let deviation = deviation(betaTilde: betaTilde, beta: beta)
      if let gradient = denoised.gradient { terms.append((deviation * deviation, gradient)) }
      if let noise { terms.append((deviation, noise)) }
    }
    return .combination(terms)
  }

  /// σ from β̃, the variance of the true posterior given x₀, or from β, that given nothing.
  private func deviation(betaTilde: Float, beta: Float) -> Float {
    switch variance {
    case .fixedSmall, .learned, .learnedRange: return betaTilde.squareRoot()
    case .fixedSmallLog: return expf(0.5 * logf(betaTilde))
    // diffusers takes the square root of log β for the latter, which is not a number; the paper's σ² is β.
    case .fixedLarge, .fixedLargeLog: return beta.squareRoot()
    }
  }

  /// σ from what the network says: σ² itself, or where between log β̃ and log β it lies, from −1 to 1.
  private func learnedDeviation(_ output: Tensor, betaTilde: Float, beta: Float) -> Tensor {
    let (low, high) = (logf(betaTilde), logf(beta))
    let values = output.values.map { v in
      variance == .learned ? v.squareRoot() : expf(0.5 * ((v + 1) / 2 * high + (1 - (v + 1) / 2) * low))
    }
    return Tensor(values, shape: output.shape)
  }
}

extension NoiseSchedule {
  /// Evaluations at training timesteps.
  func evaluations(_ timesteps: [Int]) -> [Evaluation] {
    timesteps.map { Evaluation(timestep: Float($0), level: NoiseLevel(alphaCumprod: alphasCumprod[$0])) }
  }
}
