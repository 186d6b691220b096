import Foundation
import Models
import NN
import Pictures
import Schedulers
import TensorCore

/// To say which class a noisy picture is of, at every level of its noise (Dhariwal & Nichol 2021, section 4), or a plain
/// picture's, without any noise.
public final class ClassifierObjective: Objective {
  /// The network that is trained.
  public let model: NoisyClassifier
  /// Which pictures are learned, and which are measured by.
  public let split: HeldOut
  /// The noise that pictures are shown under; nil for none.
  public let noise: TrainingNoise?

  private let options: TrainingOptions
  private let pictures: PictureStore
  private var plan: BatchPlan

  /// - Parameters:
  ///   - pictures: each of a class that the network knows.
  ///   - scheduler: the noise to train with; nil for a classifier of pictures without noise.
  /// - Throws: `SchedulerError` for a schedule that cannot be.
  public init(
    _ model: NoisyClassifier, _ pictures: PictureStore, _ scheduler: SchedulerConfig?,
    _ options: TrainingOptions
  ) throws {
    (self.model, self.pictures, self.options) = (model, pictures, options)
    noise = try scheduler.map { try TrainingNoise($0) }
    split = HeldOut(count: pictures.count, share: options.heldOut)
    plan = BatchPlan(pictures: split.learned.count, timesteps: noise?.count ?? 1, options: options)
  }

  /// The mean of a batch's cross-entropies, and its gradients.
  ///
  /// - Throws: `PictureError` where a picture cannot be read.
  public func evaluate(step: Int, micro: Int, for parameters: [Tensor]) throws -> BatchEvaluation {
    let batch = plan.batch(step: step, micro: micro)
    let x0 = try pictures.batch(
      batch.map { (split.learned[$0.picture], ($0.cropX, $0.cropY), $0.mirrored) })
    let keys = batch.map { BatchPlan.key(options.seed, Int($0.number), .trainingNoise) }
    let (x, timesteps) = noisy(x0, keys, at: batch.map(\.timestep))
    let labels = labels(batch.map { split.learned[$0.picture] })
    let dropout = NoiseKey(
      seed: options.seed, index: 0, step: UInt32(truncatingIfNeeded: step * options.accumulate + micro),
      purpose: .dropout)
    let (loss, gradients) = valueAndGradients(of: parameters) {
      (1 / Float(batch.count))
        * model(x, timesteps: timesteps, dropout: dropout).crossEntropies(labels).sum()
    }
    return BatchEvaluation(loss: loss.item, gradients: gradients)
  }

  /// What the network is shown of pictures at timesteps of the schedule, and what it is told of those.
  private func noisy(_ x0: Tensor, _ keys: [NoiseKey], at timesteps: [Int]) -> (Tensor, [Float]) {
    guard let noise else { return (x0, timesteps.map { _ in 0 }) }
    let drawn = Tensor.normal(keys, shape: x0.shape)
    return (
      noise.noisy(x0, drawn, timesteps: timesteps), timesteps.map { noise.networkTimesteps[$0] }
    )
  }

  private func labels(_ numbers: [Int]) -> [Int] { numbers.map { pictures.classIndex($0) ?? 0 } }

  // MARK: Measuring

  /// What the network takes one picture for at one level of noise.
  public struct Judgement: Sendable, Equatable {
    /// The level, from 0 to `bands` − 1, ascending in noise.
    public let band: Int
    /// The class that the picture is of, and the likeliest one.
    public let label: Int, judged: Int
    /// −log p(label | picture).
    public let loss: Float

    /// Whether they are the same.
    public var isRight: Bool { label == judged }
  }

  /// Into how many bands the timesteps are cut to be measured apart; one where there is no noise.
  public var bands: Int { min(noise?.count ?? 1, 4) }

  /// The timesteps of a band.
  public func timesteps(band: Int) -> ClosedRange<Int> {
    let count = noise?.count ?? 1
    return band * count / bands...(band + 1) * count / bands - 1
  }

  /// What the pictures that are measured by are taken for, each once a band, at timesteps spread evenly over it and at noise
  /// that never changes.
  ///
  /// - Throws: `PictureError`.
  public func judgements() throws -> [Judgement] {
    let count = split.measured.count
    // Without gradients several times the batch of an update fits.
    let size = min(4 * options.batchSize, 64)
    return try (0..<bands).flatMap { band in
      let range = timesteps(band: band)
      return try stride(from: 0, to: count, by: size).flatMap { first in
        let places = first..<min(first + size, count)
        let numbers = places.map { split.measured[$0] }
        let x0 = try pictures.batch(numbers.map { ($0, (0.5, 0.5), false) })
        let keys = places.map {
          NoiseKey(seed: options.seed, index: UInt32($0), step: UInt32(band), purpose: .validation)
        }
        let at = places.map { range.lowerBound + (2 * $0 + 1) * range.count / (2 * count) }
        let (x, told) = noisy(x0, keys, at: at)
        return judgements(x, told, labels(numbers), band: band)
      }
    }
  }

  private func judgements(_ x: Tensor, _ timesteps: [Float], _ labels: [Int], band: Int) -> [Judgement] {
    let scores = withoutGradients { model(x, timesteps: timesteps) }
    let losses = withoutGradients { scores.crossEntropies(labels) }.values
    let (values, classes) = (scores.values, model.config.classes)
    return labels.indices.map { row in
      let own = values[row * classes..<(row + 1) * classes]
      let judged = own.indices.max { own[$0] < own[$1] } ?? own.startIndex
      return Judgement(
        band: band, label: labels[row], judged: judged - own.startIndex, loss: losses[row])
    }
  }

  /// The mean cross-entropy over the pictures that are measured by, and the accuracy, over all and by band.
  ///
  /// - Throws: `PictureError`.
  public func validate() throws -> Validation {
    let judgements = try judgements()
    let accuracy = ClassifierQuality(judgements, self)
    let loss = judgements.reduce(0) { $0 + Double($1.loss) } / Double(judgements.count)
    return Validation(
      loss: Float(loss), lossOfZeros: log(Float(model.config.classes)), measures: accuracy.measures)
  }

  // MARK: State

  /// Nothing: all follows from the seed and the step.
  public var state: [(key: String, tensor: Tensor)] { [] }

  /// Nothing is to be taken back.
  public func restore(_ file: SafetensorsFile, stepsTaken: Int) {}
}
