import TensorCore

/// Latent consistency sampling (Luo et al. 2023, "Latent consistency models"): straight to x₀, and back to the next level
/// with new noise.
public struct LCM: Sampler {
  /// One a visited timestep.
  public let evaluations: [Evaluation]
  private let timestepScaling: Float
  private let sigmaData: Float = 0.5

  /// - Parameter timesteps: descending.
  init(_ schedule: NoiseSchedule, timesteps: [Int], timestepScaling: Float) {
    evaluations = schedule.evaluations(timesteps)
    self.timestepScaling = timestepScaling
  }

  /// All steps but the last.
  public func needsNoise(_ i: Int) -> Bool { i + 1 < evaluations.count }

  /// f(x) = c_skip·x + c_out·x₀, which is x itself at t = 0 (equations 9 and 10); x′ = α′·f + σ′·noise.
  public func step(_ i: Int, _ denoised: Denoised, _ x: Tensor, noise: Tensor?) -> Tensor {
    let t = evaluations[i].timestep * timestepScaling
    let total = t * t + sigmaData * sigmaData
    let (skip, out) = (sigmaData * sigmaData / total, t / total.squareRoot())
    guard let noise, needsNoise(i) else { return .combination([(out, denoised.x0), (skip, x)]) }
    let next = evaluations[i + 1].level
    return .combination([(next.alpha * out, denoised.x0), (next.alpha * skip, x), (next.sigma, noise)])
  }
}

/// Trajectory consistency sampling (Zheng et al. 2024, "Trajectory consistency distillation", algorithm 4): along the
/// trajectory to a level below the next one, and noise up to it.
public struct TCD: Sampler {
  /// One a visited timestep.
  public let evaluations: [Evaluation]
  private let between: [NoiseLevel]
  private let alphasCumprodBetween: [Float], alphasCumprodNext: [Float]
  private let gamma: Float

  /// - Parameters:
  ///   - timesteps: descending.
  ///   - gamma: 0 is deterministic, 1 goes to x₀ at every step.
  init(_ schedule: NoiseSchedule, timesteps: [Int], gamma: Float) {
    evaluations = schedule.evaluations(timesteps)
    let next = timesteps.dropFirst() + [0]
    alphasCumprodBetween = next.map { schedule.alphasCumprod[Int(((1 - gamma) * Float($0)).rounded(.down))] }
    alphasCumprodNext = next.map { schedule.alphasCumprod[$0] }
    between = alphasCumprodBetween.map { NoiseLevel(alphaCumprod: $0) }
    self.gamma = gamma
  }

  /// All steps but the last, unless γ is 0.
  public func needsNoise(_ i: Int) -> Bool { gamma > 0 && i + 1 < evaluations.count }

  /// xₛ = αₛ·x₀ + σₛ·ε;  x′ = √(ᾱ′/ᾱₛ)·xₛ + √(1 − ᾱ′/ᾱₛ)·noise
  public func step(_ i: Int, _ denoised: Denoised, _ x: Tensor, noise: Tensor?) -> Tensor {
    let level = between[i]
    guard let noise, needsNoise(i) else {
      return .combination([(level.alpha, denoised.x0), (level.sigma, denoised.epsilon)])
    }
    let ratio = alphasCumprodNext[i] / alphasCumprodBetween[i]
    let scale = ratio.squareRoot()
    return .combination([
      (scale * level.alpha, denoised.x0), (scale * level.sigma, denoised.epsilon),
      ((1 - ratio).squareRoot(), noise),
    ])
  }
}

extension SchedulerConfig {
  /// Evenly chosen from the timesteps that the model was distilled on.
  func consistencyTimesteps(_ visits: Visits) throws(SchedulerError) -> [Int] {
    switch visits {
    case .sigmas:
      throw SchedulerError(
        "is of \(className.rawValue), which takes steps or timesteps and no list of sigmas")
    case .timesteps(let list): return try checked(list)
    case .count(let steps):
      guard (1...originalInferenceSteps).contains(steps) else {
        throw SchedulerError(
          "cannot take \(steps) steps; 1 to original_inference_steps, \(originalInferenceSteps), are possible"
        )
      }
      let stride = numTrainTimesteps / originalInferenceSteps
      let original = (1...originalInferenceSteps).reversed().map { $0 * stride - 1 }
      return (0..<steps).map { original[Int(Double($0) * (Double(original.count) / Double(steps)))] }
    }
  }
}
