import Foundation
import Models
import NN
import Pictures
import Schedulers
import TensorCore

/// To denoise the pictures of a folder, or their latents (Ho et al. 2020, algorithm 1).
public final class DenoisingObjective: Objective {
  /// The network that denoises.
  public let model: any Denoiser
  /// Which examples are learned, and which are measured by.
  public let split: HeldOut

  private let options: TrainingOptions
  private let loss: DenoisingLoss
  private let unconditional: Condition?
  private let examples: any ExampleSource
  private var plan: BatchPlan
  /// The last losses of each timestep, where timesteps are drawn by them.
  private var moments: LossSecondMoments?

  /// - Parameters:
  ///   - scheduler: the noise to train with.
  ///   - unconditional: what the network is told, in a row, where nothing is known of a picture or it is hidden; nil for a
  ///     network that is told nothing.
  /// - Throws: `SchedulerError` or `LossOptionsError` for what cannot be trained.
  public init(
    _ model: any Denoiser, _ scheduler: SchedulerConfig, _ examples: any ExampleSource,
    unconditional: Condition?, _ options: TrainingOptions
  ) throws {
    (self.model, self.examples, self.options) = (model, examples, options)
    self.unconditional = unconditional
    loss = try DenoisingLoss(options.loss, scheduler)
    split = HeldOut(count: examples.count, share: options.heldOut)
    plan = BatchPlan(pictures: split.learned.count, timesteps: loss.noise.count, options: options)
    if options.loss.timestepSampling == .importance {
      moments = LossSecondMoments(timesteps: loss.noise.count)
    }
  }

  /// The weighted mean of a batch's losses, and its gradients.
  ///
  /// - Throws: `PictureError` where a picture cannot be read.
  public func evaluate(step: Int, micro: Int, for parameters: [Tensor]) throws -> BatchEvaluation {
    let batch = plan.batch(step: step, micro: micro, distribution: moments?.distribution)
    let views = batch.map { (split.learned[$0.picture], ($0.cropX, $0.cropY), $0.mirrored) }
    let x0 = try examples.batch(views)
    let condition = try condition(
      batch.map { $0.dropsLabel ? nil : (split.learned[$0.picture], $0.number) }, views)
    let timesteps = batch.map(\.timestep)
    let noise = noise(batch, shape: x0.shape)
    let dropout = NoiseKey(
      seed: options.seed, index: 0, step: UInt32(truncatingIfNeeded: step * options.accumulate + micro),
      purpose: .dropout)
    var losses: [Float] = []
    let (value, gradients) = valueAndGradients(of: parameters) {
      let each = lossOfEach(x0, noise, timesteps, condition, dropout: dropout)
      losses = each.values
      return each.weightedMean(batch.map(\.weight))
    }
    return BatchEvaluation(loss: value.item, gradients: gradients) { [self] _ in
      moments?.record(timesteps, losses)
    }
  }

  /// `[N]`
  private func lossOfEach(
    _ x0: Tensor, _ noise: Tensor, _ timesteps: [Int], _ condition: Condition, dropout: NoiseKey?
  ) -> Tensor {
    let noisy = loss.noise.noisy(x0, noise, timesteps: timesteps)
    let networkTimesteps = timesteps.map { loss.noise.networkTimesteps[$0] }
    let output = model.predict(noisy, timesteps: networkTimesteps, condition: condition, dropout: dropout)
    return loss(trained(output, like: x0), x0: x0, noise: noise, timesteps: timesteps)
  }

  /// The half of the channels that is about the picture, where the other is about a variance that is not learned here.
  private func trained(_ output: Tensor, like x: Tensor) -> Tensor {
    let channels = x.shape[1]
    guard output.shape[1] > channels, !options.loss.learnsVariance else { return output }
    return output.splitChannels([channels, output.shape[1] - channels])[0]
  }

  /// An example by its number, and how it is cut and mirrored.
  private typealias View = (example: Int, place: (x: Float, y: Float), mirrored: Bool)

  /// What the network is told of examples by number, each at a visit; nil for one about which nothing is to be said but what
  /// steers to it.
  private func condition(_ visits: [(example: Int, visit: UInt64?)?], _ views: [View]) throws -> Condition {
    var condition =
      try unconditional.map { unconditional in
        .stacked(
          try visits.map {
            try $0.flatMap { try examples.condition($0.example, visit: $0.visit) } ?? unconditional
          })
      } ?? Condition.none
    let hints = try views.compactMap {
      try examples.hint($0.example, place: $0.place, mirrored: $0.mirrored)
    }
    if !hints.isEmpty { condition.hint = .stacked(hints) }
    return condition
  }

  /// An example's noise is keyed by its number, so that no batch size or stop changes it.
  private func noise(_ batch: [BatchPlan.Example], shape: [Int]) -> Tensor {
    let keys = { purpose in batch.map { BatchPlan.key(self.options.seed, Int($0.number), purpose) } }
    let noise = Tensor.normal(keys(.trainingNoise), shape: shape)
    guard options.loss.offsetNoise > 0 else { return noise }
    let offsets = Tensor.normal(keys(.offsetNoise), shape: [shape[0], shape[1]])
    return noise.addingChannels(options.loss.offsetNoise * offsets)
  }

  // MARK: Validation

  /// How many evaluations a validation takes: each at a timestep of its own, evenly spread over all of them.
  private static let validations = 32

  /// The mean loss over the pictures held out, without drop-out, mirroring or weights of timesteps.
  ///
  /// - Throws: `PictureError`.
  public func validate() throws -> Validation {
    let (count, timesteps) = (Self.validations, loss.noise.count)
    // Without gradients several times the batch of an update fits.
    let size = min(4 * options.batchSize, 16)
    var (sum, sumOfZeros) = (0.0, 0.0)
    for first in stride(from: 0, to: count, by: size) {
      let numbers = Array(first..<min(first + size, count))
      let pictures = numbers.map { split.measured[$0 % split.measured.count] }
      let views: [View] = pictures.map { ($0, (0.5, 0.5), false) }
      let x0 = try examples.batch(views)
      let at = numbers.map { min((2 * $0 + 1) * timesteps / (2 * count), timesteps - 1) }
      let condition = try condition(pictures.map { ($0, nil) }, views)
      let keys = numbers.map {
        NoiseKey(seed: options.seed, index: UInt32($0), step: 0, purpose: .validation)
      }
      let noise = Tensor.normal(keys, shape: x0.shape)
      let (losses, zeros) = withoutGradients {
        let channels = x0.shape[1] * (options.loss.learnsVariance ? 2 : 1)
        let nothing = Tensor.zeros([x0.shape[0], channels] + x0.shape.dropFirst(2))
        return (
          lossOfEach(x0, noise, at, condition, dropout: nil),
          loss(nothing, x0: x0, noise: noise, timesteps: at)
        )
      }
      sum += losses.values.reduce(0) { $0 + Double($1) }
      sumOfZeros += zeros.values.reduce(0) { $0 + Double($1) }
    }
    return Validation(loss: Float(sum / Double(count)), lossOfZeros: Float(sumOfZeros / Double(count)))
  }

  // MARK: State

  private static let (lossesKey, countsKey) = ("timesteps/losses", "timesteps/counts")

  /// The last losses of each timestep, where timesteps are drawn by them.
  public var state: [(key: String, tensor: Tensor)] {
    guard let moments else { return [] }
    let count = moments.counts.count
    return [
      (Self.lossesKey, Tensor(moments.losses, shape: [count, moments.losses.count / count])),
      (Self.countsKey, Tensor(moments.counts.map { Float($0) }, shape: [count])),
    ]
  }

  /// Takes back the losses by timestep.
  ///
  /// - Throws: `SafetensorsError`, or `TrainingStateError` where they are of another schedule.
  public func restore(_ file: SafetensorsFile, stepsTaken: Int) throws {
    guard let expected = moments?.counts.count else { return }
    let counts = try file.tensor(Self.countsKey).values.map { Int(exactly: $0) ?? -1 }
    guard let found = LossSecondMoments(losses: try file.tensor(Self.lossesKey).values, counts: counts),
      counts.count == expected
    else {
      throw TrainingStateError(
        file: file.url.relativePath,
        problem: "holds the losses of \(counts.count) timesteps, not of \(expected), or damaged ones")
    }
    moments = found
  }
}
