import Foundation
import Models
import Schedulers
import TensorCore

/// How many bits a value of a picture takes under a model: the variational bound, term by term (Ho et al. 2020, equation
/// 5; Nichol & Dhariwal 2021, section 3).
///
/// Each term is estimated with one draw of noise a picture, keyed by (seed, picture, timestep), so that the result depends
/// neither on the batch nor on the other pictures.
public struct LikelihoodEvaluation {
  /// `[N, C, H, W]` → `[N, C or 2C, H, W]`, each picture at its own timestep.
  public typealias Network = (_ x: Tensor, _ timesteps: [Float], _ condition: Condition) -> Tensor

  /// What is evaluated, and how.
  public struct Options: Sendable {
    /// Of the noise.
    public var seed: UInt64 = 0
    /// Evaluations of the network at a time; changes nothing in the result.
    public var batchSize = 64
    /// One of so many neighbouring timesteps is evaluated for each picture, at random, and stands for all of them: 1 for
    /// every timestep. The estimate keeps its mean and varies more.
    public var timestepsEvery = 1

    /// Every timestep, seed 0.
    public init() {}
  }

  let bound: VariationalBound
  let noise: TrainingNoise
  let variance: VariationalBound.Variance
  let clipping: Clipping
  let options: Options

  /// - Parameters:
  ///   - scheduler: the noise, the prediction, the variance, and whether a predicted picture is clipped.
  ///   - variance: in place of the scheduler's.
  /// - Throws: `SchedulerError` for noise that has no such bound.
  public init(_ scheduler: SchedulerConfig, variance: VariationalBound.Variance? = nil, _ options: Options)
    throws(SchedulerError)
  {
    bound = try VariationalBound(scheduler)
    noise = try TrainingNoise(scheduler)
    self.variance = variance ?? VariationalBound.Variance(scheduler.varianceType)
    clipping = Clipping(scheduler)
    self.options = options
  }

  /// How many evaluations of the network a picture takes.
  public var evaluationsPerPicture: Int { 1 + strata.count }

  /// Runs of timesteps after the first, of which one each is evaluated.
  private var strata: [Range<Int>] {
    let every = min(options.timestepsEvery, bound.count)
    return stride(from: 1, to: bound.count, by: every).map { first in
      first..<min(first + every, bound.count)
    }
  }

  /// Evaluates pictures one after the other.
  ///
  /// - Parameters:
  ///   - count: how many pictures.
  ///   - network: what predicts.
  ///   - picture: number n as `[1, C, H, W]` in [-1, 1] of 8-bit values, and what the network is told of it, in a row.
  ///   - progress: told after each batch how many pictures are done.
  /// - Throws: what `picture` throws.
  public func callAsFunction(
    _ count: Int, _ network: Network, picture: (Int) throws -> (x0: Tensor, condition: Condition),
    progress: (Int) -> Void = { _ in }
  ) rethrows -> LikelihoodReport {
    var tally = LikelihoodReport.Tally(timesteps: bound.count)
    for n in 0..<count {
      let (x0, condition) = try picture(n)
      let visits = visits(n)
      var total = bound.prior(x0)[0]
      tally.prior += total
      for first in stride(from: 0, to: visits.count, by: options.batchSize) {
        let batch = visits[first..<min(first + options.batchSize, visits.count)]
        let timesteps = batch.map(\.timestep)
        let terms = withoutGradients {
          self.terms(network, x0, picture: n, timesteps, condition.repeated(timesteps.count))
        }
        for (visit, bits) in zip(batch, terms.values) {
          tally.add(Double(bits), at: visit.timestep)
          total += Double(bits) * Double(visit.standsFor)
        }
      }
      tally.totals.append(total)
      progress(n + 1)
    }
    return LikelihoodReport(tally, strata: [0..<1] + strata)
  }

  /// Which timesteps are evaluated for a picture, and for how many each stands.
  private func visits(_ picture: Int) -> [(timestep: Int, standsFor: Int)] {
    let key = NoiseKey(seed: options.seed, index: UInt32(picture), step: 0, purpose: .likelihoodTimestep)
    let uniforms = Philox(key).uniform(strata.count)
    return [(0, 1)]
      + zip(strata, uniforms).map { stratum, u in
        (min(stratum.lowerBound + Int(u * Float(stratum.count)), stratum.upperBound - 1), stratum.count)
      }
  }

  /// The terms of one picture at several timesteps, in bits a dimension.
  private func terms(
    _ network: Network, _ picture: Tensor, picture n: Int, _ timesteps: [Int],
    _ condition: Condition
  ) -> Tensor {
    let (_, c, h, w) = picture.shape4
    let x0 = Tensor.stacked(timesteps.map { _ in picture })
    let draws = timesteps.map { t in
      Philox(NoiseKey(seed: options.seed, index: UInt32(n), step: UInt32(t), purpose: .likelihood))
        .normal(c * h * w)
    }
    let epsilon = Tensor(Array(draws.joined()), shape: x0.shape)
    let x = noise.noisy(x0, epsilon, timesteps: timesteps)
    let networkTimesteps = timesteps.map { noise.networkTimesteps[$0] }
    var (output, raw): (Tensor, Tensor?) = (network(x, networkTimesteps, condition), nil)
    if output.shape[1] == 2 * c {
      let halves = output.splitChannels([c, c])
      (output, raw) = (halves[0], halves[1])
    }
    let target = noise.target(x0, epsilon, timesteps: timesteps)
    var error = bound.pictureError(output, target, timesteps: timesteps)
    if clipping != .none { error = clipping(x0 + error) - x0 }
    let logVariance = bound.logVariance(variance, raw, like: x0, timesteps: timesteps)
    return bound.terms(error: error, x0: x0, logVariance: logVariance, timesteps: timesteps)
  }
}

extension VariationalBound.Variance {
  /// What diffusers' `variance_type` stands for.
  public init(_ type: SchedulerConfig.VarianceType) {
    switch type {
    case .fixedSmall, .fixedSmallLog: self = .small
    case .fixedLarge, .fixedLargeLog: self = .large
    case .learned: self = .learned
    case .learnedRange: self = .learnedRange
    }
  }
}
