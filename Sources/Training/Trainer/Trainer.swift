import Foundation
import Models
import NN
import Pictures
import Schedulers
import TensorCore

/// Trains a network to denoise the pictures of a folder, or their latents (Ho et al. 2020, algorithm 1).
public final class Trainer {
  /// What one update did.
  public struct Report: Sendable, Equatable {
    /// The update's number, counted from 1.
    public let step: Int
    /// Mean over the update's pictures.
    public let loss: Float
    /// Of all gradients together, before clipping.
    public let gradientNorm: Float
    /// Of this update.
    public let learningRate: Float
  }

  /// What decides the run.
  public let options: TrainingOptions
  /// The network whose weights are being trained.
  public let model: any Denoiser
  /// What it was built from.
  public let config: any DenoiserConfig
  /// The averaged weights, in the order of the model's parameters; what is saved and sampled from.
  public let averages: [Tensor]
  /// How many updates were made.
  public var stepsTaken: Int { optimizer.stepsTaken }

  let optimizer: AdamW
  private let ema: ExponentialMovingAverage
  private let loss: DenoisingLoss
  /// The last losses of each timestep, where timesteps are drawn by them.
  private(set) var moments: LossSecondMoments?
  private let unconditional: Condition?
  private let examples: any ExampleSource
  private var plan: BatchPlan
  private let parameters: [Tensor]

  /// - Parameters:
  ///   - scheduler: the noise to train with.
  ///   - unconditional: what the network is told, in a row, where nothing is known of a picture or it is hidden; nil for a
  ///     network that is told nothing.
  ///   - state: what a stopped run left.
  /// - Throws: `SchedulerError` or `LossOptionsError` for what cannot be trained, or `TrainingStateError` where the state is
  ///   of another network.
  public init(
    _ config: any DenoiserConfig, _ scheduler: SchedulerConfig, _ examples: any ExampleSource,
    unconditional: Condition?, _ options: TrainingOptions, resuming state: TrainingState? = nil
  ) throws {
    self.options = options
    self.config = config
    model = try config.build(ParameterStore(.fresh(seed: options.seed)))
    self.examples = examples
    self.unconditional = unconditional
    loss = try DenoisingLoss(options.loss, scheduler)
    parameters = model.parameters.parameters.map(\.tensor)
    plan = BatchPlan(pictures: examples.count, timesteps: loss.noise.count, options: options)
    if options.loss.timestepSampling == .importance {
      moments =
        try state?.moments(timesteps: loss.noise.count) ?? LossSecondMoments(timesteps: loss.noise.count)
    }
    ema = ExponentialMovingAverage(decay: options.emaDecay)
    if let state {
      try state.restore(model.parameters.parameters)
      averages = state.averages
      optimizer = AdamW(
        parameters, options.optimizer, moments: (state.firstMoments, state.secondMoments),
        stepsTaken: state.stepsTaken)
    } else {
      averages = parameters.map { Tensor($0.values, shape: $0.shape) }
      optimizer = AdamW(parameters, options.optimizer)
    }
  }

  /// One update of the weights.
  ///
  /// - Throws: `TrainingError.notFinite` before anything is changed; `PictureError` where a picture cannot be read.
  public func step() throws -> Report {
    let step = stepsTaken
    let distribution = moments?.distribution
    var seen: [(timesteps: [Int], losses: [Float])] = []
    var total: Float = 0
    var sum: [Tensor] = []
    for micro in 0..<options.accumulate {
      let batch = plan.batch(step: step, micro: micro, distribution: distribution)
      let (x0, condition) = try values(batch)
      let timesteps = batch.map(\.timestep)
      let noise = noise(batch, shape: x0.shape)
      let noisy = loss.noise.noisy(x0, noise, timesteps: timesteps)
      let told = timesteps.map { loss.noise.networkTimesteps[$0] }
      let dropout = NoiseKey(
        seed: options.seed, index: 0, step: UInt32(step * options.accumulate + micro), purpose: .dropout)
      let (value, gradients) = valueAndGradients(of: parameters) {
        let output = model.predict(noisy, timesteps: told, condition: condition, dropout: dropout)
        let losses = loss(said(output, like: x0), x0: x0, noise: noise, timesteps: timesteps)
        seen.append((timesteps, losses.values))
        return losses.weightedMean(batch.map(\.weight))
      }
      total += value.item / Float(options.accumulate)
      sum = sum.isEmpty ? gradients : zip(sum, gradients).map { $0 + $1 }
    }
    if options.accumulate > 1 { sum = sum.map { 1 / Float(options.accumulate) * $0 } }
    let norm = AdamW.norm(sum)
    guard total.isFinite, norm.isFinite else { throw TrainingError.notFinite(step: step + 1, loss: total) }
    let rate = options.learningRate.at(step, of: options.steps)
    optimizer.step(sum, norm: norm, learningRate: rate)
    ema.update(averages, from: parameters, step: step + 1)
    for (timesteps, losses) in seen { moments?.record(timesteps, losses) }
    return Report(step: step + 1, loss: total, gradientNorm: norm, learningRate: rate)
  }

  /// The half of the channels that is about the picture, where the other is about a variance that is not learned here.
  private func said(_ output: Tensor, like x: Tensor) -> Tensor {
    let channels = x.shape[1]
    guard output.shape[1] > channels, !options.loss.learnsVariance else { return output }
    return output.splitChannels([channels, output.shape[1] - channels])[0]
  }

  private func values(_ batch: [BatchPlan.Example]) throws -> (Tensor, Condition) {
    let values = try batch.flatMap {
      try examples.planes($0.picture, place: ($0.cropX, $0.cropY), mirrored: $0.mirrored)
    }
    let told = unconditional.map { nothing in
      batch.map { $0.dropsLabel ? nothing : examples.condition($0.picture) ?? nothing }
    }
    return (
      Tensor(values, shape: [batch.count] + examples.shape), told.map { .stacked($0) } ?? .none
    )
  }

  /// An example's noise is keyed by its number, so that no batch size or stop changes it.
  private func noise(_ batch: [BatchPlan.Example], shape: [Int]) -> Tensor {
    let noise = normal(batch, .trainingNoise, shape: shape)
    guard options.loss.offsetNoise > 0 else { return noise }
    let offsets = normal(batch, .offsetNoise, shape: [shape[0], shape[1]])
    return noise.addingChannels(options.loss.offsetNoise * offsets)
  }

  private func normal(_ batch: [BatchPlan.Example], _ purpose: NoisePurpose, shape: [Int]) -> Tensor {
    let size = shape.dropFirst().reduce(1, *)
    let result = Tensor(uninitialized: shape)
    parallelFor(batch.count) { n in
      let key = BatchPlan.key(options.seed, Int(batch[n].number), purpose)
      Philox(key).normal(size).withUnsafeBufferPointer { values in
        guard let base = values.baseAddress else { return }
        (result.pointer + n * size).update(from: base, count: size)
      }
    }
    return result
  }
}

/// Why training stopped.
public enum TrainingError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// The loss or a gradient is infinite or not a number.
  case notFinite(step: Int, loss: Float)

  /// One sentence for the user.
  public var description: String {
    switch self {
    case .notFinite(let step, let loss):
      "the loss at step \(step) is \(loss) or its gradient is not finite; lower the --learning-rate, or lengthen the "
        + "--warmup, and --resume from the last checkpoint."
    }
  }

  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}
