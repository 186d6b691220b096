import Foundation
import TensorCore

/// What each training example is: a function of the seed and its number alone, so that a resumed run goes on with the
/// very examples that the killed one would have had.
public struct BatchPlan: Sendable {
  /// One example: which picture, how it is shown, and what is asked of the network.
  public struct Example: Sendable, Equatable {
    /// Which picture.
    public let picture: Int
    /// Place of a random crop, and whether it is mirrored.
    public let cropX: Float, cropY: Float, mirrored: Bool
    /// The noise level.
    public let timestep: Int
    /// The factor of its loss, which makes up for how often its timestep is drawn.
    public let weight: Float
    /// Whether its label is replaced by the null class.
    public let dropsLabel: Bool
    /// Its number over the whole run, the key of its noise.
    public let number: UInt64
  }

  let pictures: Int
  let timesteps: Int
  let options: TrainingOptions
  private var epoch: (number: Int, order: [Int])?

  /// - Parameters:
  ///   - pictures: how many there are.
  ///   - timesteps: of the noise schedule.
  public init(pictures: Int, timesteps: Int, options: TrainingOptions) {
    (self.pictures, self.timesteps, self.options) = (pictures, timesteps, options)
  }

  /// The examples of evaluation `micro` of update `step`, both counted from 0. Each epoch visits every picture once.
  ///
  /// - Parameter distribution: of the timesteps, where they are drawn by importance; nil for uniform.
  public mutating func batch(step: Int, micro: Int, distribution: TimestepDistribution? = nil) -> [Example] {
    let first = step * options.picturesPerStep + micro * options.batchSize
    return (first..<first + options.batchSize).map { number in
      let (epochNumber, place) = number.quotientAndRemainder(dividingBy: pictures)
      if epoch?.number != epochNumber {
        let key = NoiseKey(seed: options.seed, index: UInt32(epochNumber), step: 0, purpose: .dataOrder)
        epoch = (epochNumber, Philox(key).permutation(pictures))
      }
      let (timestep, weight) = timestep(number, distribution)
      return Example(
        picture: epoch?.order[place] ?? 0, cropX: uniform(number, .crop, 0), cropY: uniform(number, .crop, 1),
        mirrored: options.flip && uniform(number, .flip, 0) < 0.5,
        timestep: timestep, weight: weight,
        dropsLabel: uniform(number, .classDropout, 0) < options.labelDropout, number: UInt64(number))
    }
  }

  private func timestep(_ number: Int, _ distribution: TimestepDistribution?) -> (Int, weight: Float) {
    let draws = Philox(Self.key(options.seed, number, .trainingTimestep))
    if let distribution { return distribution.draw(draws.uniform(1)[0]) }
    guard options.loss.timestepSampling == .logitNormal else {
      return (draws.integers(1, below: timesteps)[0], 1)
    }
    let logit = options.loss.logitMean + options.loss.logitDeviation * draws.normal(1)[0]
    return (min(Int(Float(timesteps) / (1 + expf(-logit))), timesteps - 1), 1)
  }

  private func uniform(_ number: Int, _ purpose: NoisePurpose, _ place: Int) -> Float {
    Philox(Self.key(options.seed, number, purpose)).uniform(place + 1)[place]
  }

  /// The key of a draw for an example; its number takes 64 bits of the counter.
  static func key(_ seed: UInt64, _ number: Int, _ purpose: NoisePurpose) -> NoiseKey {
    NoiseKey(
      seed: seed, index: UInt32(truncatingIfNeeded: number), step: UInt32(truncatingIfNeeded: number >> 32),
      purpose: purpose)
  }
}
