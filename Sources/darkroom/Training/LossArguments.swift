import ArgumentParser
import Schedulers
import Training

/// What the network is trained to make small, and at which timesteps.
struct LossArguments: ParsableArguments {
  @Option(
    help: "How far an output is from its target: mse, or huber (pseudo-Huber, which large errors pull less).")
  var loss = LossOptions.ErrorKind.squared

  @Option(
    help: "The error at which huber turns from squares to magnitudes, above 0 and at most 1. (default: 0.1)")
  var huberConstant: Float?

  @Option(
    help: """
      How that error follows the timestep: constant, exponential (from 1 without noise down to --huber-constant) or snr \
      (the same by the signal-to-noise ratio). (default: snr)
      """)
  var huberSchedule: LossOptions.HuberSchedule?

  @Option(
    help: """
      Weight timesteps so that those with a signal-to-noise ratio above this count alike, 5 in the paper; for epsilon, \
      sample and v_prediction. (default: no weights)
      """)
  var minSnrGamma: Float?

  @Flag(
    help: """
      Have the network give the variance of each step too, by the hybrid loss L_simple + λ·L_vlb of Improved DDPM; the \
      model has twice the output channels and variance_type learned_range.
      """)
  var learnVariance = false

  @Option(help: "λ of the hybrid loss. (default: 0.001)")
  var vlbWeight: Float?

  @Option(
    help:
      "Deviation of noise that shifts a whole channel, for pictures darker or brighter than most; try 0.1.")
  var offsetNoise: Float = 0

  @Option(
    help: """
      How often each timestep is trained: uniform, importance (by the root mean square of its last ten losses, once \
      each has ten) or logit-normal (the middle more often).
      """)
  var timestepSampling = LossOptions.TimestepSampling.uniform

  @Option(help: "Mean of logit-normal's normal: above 0 for more noise. (default: 0)")
  var logitMean: Float?

  @Option(help: "Deviation of logit-normal's normal. (default: 1)")
  var logitDeviation: Float?

  func validate() throws {
    func require(_ isGiven: Bool, _ option: String, goesWith holds: Bool, _ other: String) throws {
      if isGiven && !holds { throw ValidationError("\(option) goes with \(other); add it.") }
    }
    try require(huberConstant != nil, "--huber-constant", goesWith: loss == .huber, "--loss huber")
    try require(huberSchedule != nil, "--huber-schedule", goesWith: loss == .huber, "--loss huber")
    try require(vlbWeight != nil, "--vlb-weight", goesWith: learnVariance, "--learn-variance")
    let isLogitNormal = timestepSampling == .logitNormal
    try require(logitMean != nil, "--logit-mean", goesWith: isLogitNormal, "--timestep-sampling logit-normal")
    try require(
      logitDeviation != nil, "--logit-deviation", goesWith: isLogitNormal, "--timestep-sampling logit-normal")
  }

  /// The options, checked against the noise, to which a learned variance is added.
  ///
  /// - Throws: `Failure` for what cannot be, or does not go together.
  func options(_ scheduler: inout SchedulerConfig) throws -> LossOptions {
    var options = LossOptions()
    options.error = loss
    options.huberConstant = huberConstant ?? options.huberConstant
    options.huberSchedule = huberSchedule ?? options.huberSchedule
    options.minSNRGamma = minSnrGamma
    options.learnsVariance = learnVariance
    options.boundWeight = vlbWeight ?? options.boundWeight
    options.offsetNoise = offsetNoise
    options.timestepSampling = timestepSampling
    options.logitMean = logitMean ?? options.logitMean
    options.logitDeviation = logitDeviation ?? options.logitDeviation
    if learnVariance && scheduler.className == .ddpm { scheduler.varianceType = .learnedRange }
    do { try options.validate(for: scheduler) } catch { throw Failure.usage(error.description) }
    return options
  }
}

extension LossOptions.ErrorKind: ExpressibleByArgument {}
extension LossOptions.HuberSchedule: ExpressibleByArgument {}
extension LossOptions.TimestepSampling: ExpressibleByArgument {}
