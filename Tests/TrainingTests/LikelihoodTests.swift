import Foundation
import Schedulers
import TensorCore
import Training
import XCTest

/// The bound of a model that is known: pictures of independent normal values and the network that predicts them best, for
/// whom every reverse step is the true one and the bound is the likelihood itself.
final class LikelihoodTests: XCTestCase {
  private static let deviation = 0.25
  private static let side = 16

  private func scheduler(_ prediction: SchedulerConfig.PredictionType, learned: Bool = true)
    -> SchedulerConfig
  {
    var config = SchedulerConfig(.ddpm)
    (config.numTrainTimesteps, config.betaSchedule, config.predictionType) = (
      60, .squaredcosCapV2, prediction
    )
    config.clipSample = false
    if learned { config.varianceType = .learnedRange }
    return config
  }

  /// E[x₀ | x] = α·s²·x/(α²s² + σ²), as ε, x₀ or v, and the variance of x′ given x as a place between log β̃ and log β.
  private func network(_ scheduler: SchedulerConfig) throws -> LikelihoodEvaluation.Network {
    let betas = try NoiseSchedule(scheduler).betas.map(Double.init)
    var alphaBars: [Double] = []
    for beta in betas { alphaBars.append((alphaBars.last ?? 1) * (1 - beta)) }
    let s2 = Self.deviation * Self.deviation
    return { x, timesteps, _ in
      let (n, c, h, w) = x.shape4
      let values = x.values
      var output: [Float] = []
      for (i, told) in timesteps.enumerated() {
        let t = Int(told)
        let (alpha, sigma2) = (alphaBars[t].squareRoot(), 1 - alphaBars[t])
        let total = alpha * alpha * s2 + sigma2
        let factor =
          switch scheduler.predictionType {
          case .epsilon: sigma2.squareRoot() / total
          case .sample: alpha * s2 / total
          case .vPrediction: alpha * sigma2.squareRoot() * (1 - s2) / total
          case .flow: Double.nan
          }
        output += values[i * c * h * w..<(i + 1) * c * h * w].map { Float(factor) * $0 }
        guard scheduler.learnsVariance else { continue }
        let before = t == 0 ? 1 : alphaBars[t - 1]
        let tilde = (1 - before) / sigma2 * betas[t]
        let first = (1 - alphaBars[0]) / (1 - alphaBars[1]) * betas[1]
        let meanFactor = before.squareRoot() * betas[t] / sigma2
        let best = log(tilde + meanFactor * meanFactor * s2 * sigma2 / total)
        let (low, high) = (log(t == 0 ? first : tilde), log(betas[t]))
        let v = 2 * (best - low) / (high - low) - 1
        output += Array(repeating: Float(v), count: c * h * w)
      }
      return Tensor(output, shape: [n, scheduler.learnsVariance ? 2 * c : c, h, w])
    }
  }

  /// Rounded to 8 bits.
  private func picture(_ n: Int) -> Tensor {
    let key = NoiseKey(seed: 5, index: UInt32(n), step: 0, purpose: .drawing)
    let values = Philox(key).normal(3 * Self.side * Self.side).map { z -> Float in
      let byte = (127.5 * (Float(Self.deviation) * z + 1)).rounded()
      return min(max(byte, 0), 255) / 127.5 - 1
    }
    return Tensor(values, shape: [1, 3, Self.side, Self.side])
  }

  /// −log₂ of the normal density at the pictures' values times a value's width of 2/255.
  private func trueBits(_ count: Int) -> Double {
    let values = (0..<count).flatMap { picture($0).values }
    let s2 = Self.deviation * Self.deviation
    let squares = values.reduce(0) { $0 + Double($1) * Double($1) } / Double(values.count)
    return (0.5 * squares / s2 + 0.5 * log(2 * Double.pi * s2)) / M_LN2 - log2(2.0 / 255)
  }

  private func evaluate(
    _ scheduler: SchedulerConfig, count: Int = 6,
    _ change: (inout LikelihoodEvaluation.Options) -> Void = { _ in }
  ) throws -> LikelihoodReport {
    var options = LikelihoodEvaluation.Options()
    change(&options)
    return try LikelihoodEvaluation(scheduler, options)(
      count, try network(scheduler), picture: { (self.picture($0), .none) })
  }

  /// Within four deviations of its mean, which for 400 pictures are 0.014 bits of 7.
  func testTheBestModelsBoundIsTheLikelihood() throws {
    let report = try evaluate(scheduler(.epsilon), count: 400)
    XCTAssertLessThan(report.standardError, 0.004)
    XCTAssertEqual(report.bitsPerDimension, trueBits(400), accuracy: 4 * report.standardError)
    XCTAssertEqual(report.terms.map(\.timestep), Array(0..<60))
    XCTAssertEqual(
      report.bitsPerDimension, report.decoder + report.divergences + report.prior, accuracy: 1e-6)
  }

  /// The same noise, the same knowledge: what the network calls its output makes no difference but rounding.
  func testPredictionsAgree() throws {
    let epsilon = try evaluate(scheduler(.epsilon)).bitsPerDimension
    for prediction in [SchedulerConfig.PredictionType.sample, .vPrediction] {
      XCTAssertEqual(
        try evaluate(scheduler(prediction)).bitsPerDimension, epsilon, accuracy: 1e-4, "\(prediction)")
    }
  }

  /// The same means with a variance that is not the true one cost more; fixed variances are evaluated too.
  func testAnotherVarianceCostsMore() throws {
    for type in [SchedulerConfig.VarianceType.fixedSmall, .fixedLarge] {
      var fixed = scheduler(.epsilon, learned: false)
      fixed.varianceType = type
      XCTAssertGreaterThan(try evaluate(fixed).bitsPerDimension, trueBits(6) + 0.05, "\(type)")
    }
  }

  func testBatchesChangeNothing() throws {
    let whole = try evaluate(scheduler(.epsilon), count: 3)
    XCTAssertEqual(try evaluate(scheduler(.epsilon), count: 3) { $0.batchSize = 7 }, whole)
    XCTAssertNotEqual(try evaluate(scheduler(.epsilon), count: 3) { $0.seed = 1 }, whole)
  }

  /// One of every seven timesteps: fewer evaluations, the same mean within four of its own deviations.
  func testFewerTimestepsKeepTheMean() throws {
    let report = try evaluate(scheduler(.epsilon), count: 60) { $0.timestepsEvery = 7 }
    XCTAssertEqual(report.terms.map(\.evaluations).reduce(0, +), 60 * (1 + 9))
    XCTAssertEqual(report.bitsPerDimension, trueBits(60), accuracy: 4 * report.standardError)
    XCTAssertLessThan(report.standardError, 0.3)
    let one = try evaluate(scheduler(.epsilon), count: 3) { $0.timestepsEvery = .max }
    XCTAssertEqual(one.terms.map(\.evaluations).reduce(0, +), 3 * (1 + 1), "one stands for all")
  }

  func testNoiseWithoutABoundIsRefused() {
    for name in [SchedulerConfig.ClassName.flowMatchEuler, .edmEuler] {
      var config = SchedulerConfig(name)
      if name == .flowMatchEuler { config.predictionType = .flow }
      XCTAssertThrowsError(try LikelihoodEvaluation(config, .init())) {
        XCTAssertTrue("\($0)".contains("variational bound is not defined"), "\($0)")
      }
    }
  }
}
