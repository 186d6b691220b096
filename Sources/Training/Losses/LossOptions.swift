import Foundation
import Schedulers

/// What a network is trained to make small, and at which timesteps. The defaults are L_simple (Ho et al. 2020, equation
/// 14).
public struct LossOptions: Sendable, Equatable {
  /// How far an output is from its target.
  public enum ErrorKind: String, Codable, Sendable, CaseIterable {
    /// The mean of the squares.
    case squared = "mse"
    /// Pseudo-Huber: squares of small errors, magnitudes of large ones.
    case huber
  }

  /// How the constant c at which pseudo-Huber turns follows the timestep.
  public enum HuberSchedule: String, Codable, Sendable, CaseIterable {
    /// c at every timestep.
    case constant
    /// 1 at timestep 0, c at the last.
    case exponential
    /// 1 where nothing is noise, c where all is.
    case snr
  }

  /// How often each timestep is trained.
  public enum TimestepSampling: String, Codable, Sendable, CaseIterable {
    /// All as often.
    case uniform
    /// In proportion to the root mean square of their last losses (Nichol & Dhariwal 2021, equation 18).
    case importance
    /// The middle more often: the logistic function of a normal (Esser et al. 2024, section 3.1).
    case logitNormal = "logit-normal"
  }

  /// How far an output is from its target.
  public var error = ErrorKind.squared
  /// Pseudo-Huber's c.
  public var huberConstant: Float = 0.1
  /// How c follows the timestep.
  public var huberSchedule = HuberSchedule.snr
  /// γ of min-SNR weighting; nil for none.
  public var minSNRGamma: Float?
  /// Whether the network gives its variance too, learned by the hybrid loss.
  public var learnsVariance = false
  /// λ of L_simple + λ·L_vlb.
  public var boundWeight: Float = 0.001
  /// Deviation of the noise added to a whole channel at once; 0 for none.
  public var offsetNoise: Float = 0
  /// How often each timestep is trained.
  public var timestepSampling = TimestepSampling.uniform
  /// Mean of the logit-normal's normal: more than 0 for more noise.
  public var logitMean: Float = 0
  /// Deviation of the logit-normal's normal.
  public var logitDeviation: Float = 1

  /// L_simple.
  public init() {}

  /// Each value by the name of its option, for a run to be compared with the one that it resumes.
  var named: [(name: String, value: String)] {
    [
      ("--loss", error.rawValue), ("--huber-constant", "\(huberConstant)"),
      ("--huber-schedule", huberSchedule.rawValue),
      ("--min-snr-gamma", minSNRGamma.map { "\($0)" } ?? "none"),
      ("--learn-variance", "\(learnsVariance)"), ("--vlb-weight", "\(boundWeight)"),
      ("--offset-noise", "\(offsetNoise)"), ("--timestep-sampling", timestepSampling.rawValue),
      ("--logit-mean", "\(logitMean)"), ("--logit-deviation", "\(logitDeviation)"),
    ]
  }

  /// - Throws: `LossOptionsError` where the values, or they and the noise, do not go together.
  public func validate(for scheduler: SchedulerConfig) throws(LossOptionsError) {
    func require(_ holds: Bool, _ sentence: String) throws(LossOptionsError) {
      if !holds { throw LossOptionsError(description: sentence) }
    }
    try require(
      huberConstant > 0 && huberConstant <= 1,
      "--huber-constant \(huberConstant) must be above 0 and at most 1.")
    try require(
      !scheduler.isPreconditioned,
      "the schedule is of \(scheduler.className.rawValue), with whose preconditioning no network is trained here."
    )
    if let gamma = minSNRGamma {
      try require(!scheduler.isFlow, "--min-snr-gamma is not defined for a flow; leave it out.")
      try require(gamma > 0 && gamma.isFinite, "--min-snr-gamma \(gamma) must be more than 0.")
      try require(
        !scheduler.rescaleBetasZeroSNR,
        "--min-snr-gamma weights by the share of signal, so the last timestep of a schedule that ends without any "
          + "(rescale_betas_zero_snr) would never be learned; use one without the other.")
    }
    try require(
      boundWeight > 0 && boundWeight.isFinite, "--vlb-weight \(boundWeight) must be more than 0.")
    try require(
      offsetNoise >= 0 && offsetNoise.isFinite, "--offset-noise \(offsetNoise) must not be negative.")
    if learnsVariance {
      try require(
        scheduler.className == .ddpm,
        "--learn-variance needs a schedule of DDPMScheduler, which alone samples with a learned variance; this one is of "
          + "\(scheduler.className.rawValue).")
    }
    try require(
      learnsVariance == scheduler.learnsVariance && scheduler.varianceType != .learned,
      "the schedule has variance_type '\(scheduler.varianceType.rawValue)'; give --learn-variance for learned_range, and "
        + "leave it out for the others.")
    try require(
      !learnsVariance || offsetNoise == 0,
      "--offset-noise is not the noise whose bound --learn-variance learns from; use one without the other.")
    try require(logitMean.isFinite, "--logit-mean must be a number.")
    try require(
      logitDeviation > 0 && logitDeviation.isFinite,
      "--logit-deviation \(logitDeviation) must be more than 0.")
  }
}

/// Why a loss cannot be trained.
public struct LossOptionsError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// One sentence for the user.
  public let description: String
  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}

// By hand: a state written before an option was added has its default.
extension LossOptions: Codable {
  private enum Key: String, CodingKey {
    case error, huberConstant, huberSchedule, minSNRGamma, learnsVariance, boundWeight, offsetNoise
    case timestepSampling, logitMean, logitDeviation
  }

  /// Absent keys take their defaults.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    func read<T: Decodable>(_ key: Key, _ target: inout T) throws {
      target = try values.decodeIfPresent(T.self, forKey: key) ?? target
    }
    try read(.error, &error)
    try read(.huberConstant, &huberConstant)
    try read(.huberSchedule, &huberSchedule)
    minSNRGamma = try values.decodeIfPresent(Float.self, forKey: .minSNRGamma)
    try read(.learnsVariance, &learnsVariance)
    try read(.boundWeight, &boundWeight)
    try read(.offsetNoise, &offsetNoise)
    try read(.timestepSampling, &timestepSampling)
    try read(.logitMean, &logitMean)
    try read(.logitDeviation, &logitDeviation)
  }

  /// Writes every value.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(error, forKey: .error)
    try values.encode(huberConstant, forKey: .huberConstant)
    try values.encode(huberSchedule, forKey: .huberSchedule)
    try values.encodeIfPresent(minSNRGamma, forKey: .minSNRGamma)
    try values.encode(learnsVariance, forKey: .learnsVariance)
    try values.encode(boundWeight, forKey: .boundWeight)
    try values.encode(offsetNoise, forKey: .offsetNoise)
    try values.encode(timestepSampling, forKey: .timestepSampling)
    try values.encode(logitMean, forKey: .logitMean)
    try values.encode(logitDeviation, forKey: .logitDeviation)
  }
}
