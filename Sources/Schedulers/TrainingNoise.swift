import TensorCore

/// What pictures are noised with in training, and what is asked of the network: a level of noise at each of T timesteps.
public struct TrainingNoise: Sendable {
  /// α and σ at each timestep, ascending in noise.
  public let levels: [NoiseLevel]
  /// What the network is told there: t itself, or T·σ of a flow.
  public let networkTimesteps: [Float]
  /// What the network predicts.
  public let prediction: SchedulerConfig.PredictionType

  /// How many timesteps, T.
  public var count: Int { levels.count }

  /// √ᾱ and √(1 − ᾱ) of a table of βₜ; for a flow σ = (t + 1)/T, shifted as diffusers' training scripts have it.
  ///
  /// - Throws: `SchedulerError` where the configuration is impossible.
  public init(_ config: SchedulerConfig) throws(SchedulerError) {
    let schedule = try NoiseSchedule(config)
    prediction = config.predictionType
    guard config.isFlow else {
      levels = schedule.alphasCumprod.map { NoiseLevel(alphaCumprod: $0) }
      networkTimesteps = levels.indices.map { Float($0) }
      return
    }
    let total = Double(config.numTrainTimesteps)
    let shift = config.useFlowSigmas ? config.flowShift : config.shift
    let sigmas = (1...config.numTrainTimesteps).map {
      SigmaSpacing.shifted(Double($0) / total, by: shift)
    }
    levels = sigmas.map { .flow(Float($0)) }
    networkTimesteps = sigmas.map { Float($0 * total) }
  }

  /// α·x₀ + σ·noise, each sample at its own timestep (Ho et al. 2020, equation 4; Liu et al. 2022).
  public func noisy(_ x0: Tensor, _ noise: Tensor, timesteps: [Int]) -> Tensor {
    .combination(
      perSample: timesteps.map { levels[$0].alpha }, x0, timesteps.map { levels[$0].sigma }, noise)
  }

  /// What a network is trained to give for pictures `x0` noised with `noise`.
  public func target(_ x0: Tensor, _ noise: Tensor, timesteps: [Int]) -> Tensor {
    switch prediction {
    case .epsilon: noise
    case .sample: x0
    case .vPrediction:
      .combination(
        perSample: timesteps.map { levels[$0].alpha }, noise, timesteps.map { -levels[$0].sigma }, x0)
    case .flow: noise - x0
    }
  }
}
