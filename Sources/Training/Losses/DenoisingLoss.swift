import Schedulers
import TensorCore

/// A training loss: what each example's output costs.
///
///     weight(SNR)·error(output, target)  [+ λ·T·L_t where the variance is learned]
public struct DenoisingLoss: Sendable {
  let options: LossOptions
  let noise: TrainingNoise
  let bound: VariationalBound?
  /// The factor of the squared or Huber error at each timestep; empty where it is 1.
  let weights: [Float]
  /// Pseudo-Huber's c at each timestep.
  let huberConstants: [Float]

  /// - Parameter scheduler: the noise, and what the network's output, or its first half, is.
  /// - Throws: `SchedulerError`, or `LossOptionsError` where the two do not go together.
  public init(_ options: LossOptions, _ scheduler: SchedulerConfig) throws {
    try options.validate(for: scheduler)
    self.options = options
    noise = try TrainingNoise(scheduler)
    bound = options.learnsVariance ? try VariationalBound(scheduler) : nil
    let (ratios, prediction) = (noise.levels.map(\.snr), noise.prediction)
    weights =
      options.minSNRGamma.map(MinSNRWeighting.init).map { weighting in
        ratios.map { weighting(snr: $0, prediction) }
      } ?? []
    huberConstants = ratios.enumerated().map { t, snr in
      options.huberSchedule.constant(options.huberConstant, timestep: t, of: ratios.count, snr: snr)
    }
  }

  /// The loss of each example, `[N]`.
  ///
  /// - Parameters:
  ///   - output: of the network, `[N, C, H, W]`; twice the channels where the variance is learned.
  ///   - x0: the pictures, `[N, C, H, W]`.
  ///   - noise: what they were noised with.
  ///   - timesteps: N of them.
  public func callAsFunction(_ output: Tensor, x0: Tensor, noise: Tensor, timesteps: [Int]) -> Tensor {
    let target = self.noise.target(x0, noise, timesteps: timesteps)
    guard let bound else { return weightedErrors(output, target, timesteps) }
    let channels = x0.shape[1]
    let parts = output.splitChannels([channels, channels])
    let error = bound.pictureError(parts[0].detached, target, timesteps: timesteps)
    let logVariance = bound.logVariance(.learnedRange, parts[1], like: x0, timesteps: timesteps)
    let terms = bound.terms(error: error, x0: x0, logVariance: logVariance, timesteps: timesteps)
    // One timestep stands for all T of the bound.
    return weightedErrors(parts[0], target, timesteps) + options.boundWeight * Float(bound.count) * terms
  }

  private func weightedErrors(_ output: Tensor, _ target: Tensor, _ timesteps: [Int]) -> Tensor {
    let errors =
      switch options.error {
      case .squared: squaredErrors(output, target)
      case .huber: pseudoHuberErrors(output, target, constants: timesteps.map { huberConstants[$0] })
      }
    guard !weights.isEmpty else { return errors }
    return errors * Tensor(timesteps.map { weights[$0] }, shape: errors.shape)
  }
}
