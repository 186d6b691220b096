import Foundation

/// A scheduler's configuration: diffusers' `scheduler_config.json`.
public struct SchedulerConfig: Sendable, Equatable {
  /// Which of diffusers' classes it configures.
  public enum ClassName: String, Codable, Sendable, CaseIterable {
    case ddpm = "DDPMScheduler"
    case ddim = "DDIMScheduler"
  }

  /// The form of βₜ.
  public enum BetaSchedule: String, Codable, Sendable, CaseIterable {
    /// β linear in t (Ho et al. 2020).
    case linear
    /// √β linear in t (Rombach et al. 2022); latent diffusion's own files call this "linear".
    case scaledLinear = "scaled_linear"
    /// ᾱ a squared cosine (Nichol & Dhariwal 2021).
    case squaredcosCapV2 = "squaredcos_cap_v2"
    /// β a sigmoid of t (GeoDiff, Xu et al. 2022).
    case sigmoid
  }

  /// What a network predicts.
  public enum PredictionType: String, Codable, Sendable, CaseIterable {
    /// The noise ε.
    case epsilon
    /// The clean picture x₀.
    case sample
    /// The velocity v = √ᾱ·ε − √(1 − ᾱ)·x₀ (Salimans & Ho 2022).
    case vPrediction = "v_prediction"
  }

  /// Which of the training timesteps are visited (Lin et al. 2023, table 2).
  public enum TimestepSpacing: String, Codable, Sendable, CaseIterable { case leading, linspace, trailing }

  /// The variance of DDPM's reverse step.
  public enum VarianceType: String, Codable, Sendable, CaseIterable {
    case fixedSmall = "fixed_small"
    case fixedSmallLog = "fixed_small_log"
    case fixedLarge = "fixed_large"
    case fixedLargeLog = "fixed_large_log"
  }

  /// The class.
  public var className: ClassName
  /// How many noise levels a network is trained on, T.
  public var numTrainTimesteps = 1000
  /// β of the first timestep.
  public var betaStart = 0.0001
  /// β of the last timestep.
  public var betaEnd = 0.02
  /// The form between them.
  public var betaSchedule = BetaSchedule.linear
  /// All β by hand, in place of the three above.
  public var trainedBetas: [Double]?
  /// What the network predicts.
  public var predictionType = PredictionType.epsilon
  /// Which timesteps are visited.
  public var timestepSpacing = TimestepSpacing.leading
  /// Added to every timestep of the leading spacing.
  public var stepsOffset = 0
  /// Whether the last timestep is made pure noise.
  public var rescaleBetasZeroSNR = false
  /// Whether predicted pictures are clipped.
  public var clipSample = true
  /// To plus and minus this.
  public var clipSampleRange: Float = 1
  /// Whether they are clipped to a quantile of their own instead.
  public var thresholding = false
  /// Which quantile, in 0 to 1.
  public var dynamicThresholdingRatio = 0.995
  /// The most that the quantile may be.
  public var sampleMaxValue: Float = 1
  /// The variance of a step; DDPM alone.
  public var varianceType = VarianceType.fixedSmall
  /// Whether the last step ends at ᾱ = 1, and not at that of timestep 0; DDIM alone.
  public var setAlphaToOne = true

  /// The class's defaults.
  public init(_ className: ClassName) { self.className = className }

  /// The same noise and prediction under another sampler, as diffusers' `from_config` takes over what both know.
  public func with(_ className: ClassName) -> SchedulerConfig {
    var copy = self
    copy.className = className
    return copy
  }
}

/// Why a schedule cannot be used.
public struct SchedulerError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// The file or preset, where it came from one.
  public var file: String
  /// The rest of a sentence that begins with the file's name.
  public let problem: String

  /// - Parameter problem: the rest of a sentence that begins with the file's name.
  public init(file: String = "the schedule", _ problem: String) {
    (self.file, self.problem) = (file, problem)
  }

  /// One sentence for the user.
  public var description: String { "\(file) \(problem)." }
  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}

extension SchedulerConfig {
  /// - Throws: `SchedulerError` where no schedule can be made of these values.
  public func validate() throws(SchedulerError) {
    func require(_ holds: Bool, _ problem: @autoclosure () -> String) throws(SchedulerError) {
      if !holds { throw SchedulerError(problem()) }
    }
    try require(
      (1...100_000).contains(numTrainTimesteps),
      "has num_train_timesteps \(numTrainTimesteps); 1 to 100000 are possible")
    if let trainedBetas {
      try require(!trainedBetas.isEmpty, "has no value in trained_betas")
      try require(
        trainedBetas.count == numTrainTimesteps,
        "has \(trainedBetas.count) trained_betas for num_train_timesteps \(numTrainTimesteps)")
      try require(trainedBetas.allSatisfy { $0 > 0 && $0 < 1 }, "has trained_betas outside (0, 1)")
    }
    try require(
      betaStart > 0 && betaStart < 1 && betaEnd > 0 && betaEnd < 1,
      "has beta_start \(betaStart) and beta_end \(betaEnd); both must lie between 0 and 1")
    try require(betaStart <= betaEnd, "has beta_start \(betaStart) above beta_end \(betaEnd)")
    try require(clipSampleRange > 0, "has clip_sample_range \(clipSampleRange); it must be positive")
    try require(
      (0...1).contains(dynamicThresholdingRatio),
      "has dynamic_thresholding_ratio \(dynamicThresholdingRatio); it must lie in 0 to 1")
    try require(
      (0..<numTrainTimesteps).contains(stepsOffset),
      "has steps_offset \(stepsOffset) outside the training timesteps")
    try require(
      className != .ddim || betaSchedule != .sigmoid || trainedBetas != nil,
      "has beta_schedule 'sigmoid', which DDIMScheduler does not know")
    try require(
      !rescaleBetasZeroSNR || predictionType != .epsilon,
      "has rescale_betas_zero_snr with prediction_type 'epsilon', which cannot say anything where nothing but noise is "
        + "left; use v_prediction or sample")
  }
}
