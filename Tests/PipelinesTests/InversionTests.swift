import Foundation
import Models
import Pipelines
import Schedulers
import TensorCore
import TestSupport
import XCTest

/// Pictures to noise and back.
final class InversionTests: XCTestCase {
  /// The ideal denoiser of pictures that are normal with a deviation of their own in each place, bent a little, since a
  /// network is not linear either.
  private struct Gaussian: Predictor {
    let deviations: [Float]
    let prediction: SchedulerConfig.PredictionType

    func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor {
      let (a, s) = (evaluation.level.alpha, evaluation.level.sigma)
      let values = zip(x.values, deviations).map { shown, deviation -> Float in
        let x = shown / evaluation.inputScale
        let mean = a * deviation * deviation / (a * a * deviation * deviation + s * s) * x
        let x0 = mean + 0.05 * sinf(4 * mean)
        let epsilon = (x - a * x0) / s
        switch prediction {
        case .epsilon: return epsilon
        case .sample: return x0
        case .vPrediction: return a * epsilon - s * x0
        case .flow: return epsilon - x0
        }
      }
      return Tensor(values, shape: x.shape)
    }
  }

  private let shape = [1, 1, 4, 4]
  private let picture = Tensor(
    (0..<16).map { sinf(Float($0)) * (0.2 + 0.04 * Float($0)) }, shape: [1, 1, 4, 4])
  private let deviations = (0..<16).map { 0.2 + 0.04 * Float($0) }

  private func loop(_ config: SchedulerConfig, steps: Int) throws -> DenoisingLoop {
    try DenoisingLoop(
      config, .count(steps),
      predictor: Gaussian(deviations: deviations, prediction: config.predictionType))
  }

  func testTheNoiseFoundGivesThePictureAgain() throws {
    for (className, prediction) in [
      (SchedulerConfig.ClassName.ddim, SchedulerConfig.PredictionType.epsilon), (.ddim, .vPrediction),
      (.ddim, .sample), (.euler, .epsilon), (.flowMatchEuler, .flow),
    ] {
      var config = SchedulerConfig(className)
      config.predictionType = prediction
      for steps in [10, 50] {
        let loop = try loop(config, steps: steps)
        let found = Inversion(loop)(picture)
        var none = Generator.philox.source(seed: 0)
        let again = loop.run(from: .noise(found.noise), noise: &none)
        let most = zip(again.values, picture.values).map { abs($0 - $1) }.max() ?? .infinity
        // A 255th is 0.0078.
        XCTAssertLessThan(most, 2e-3, "\(className), \(prediction), \(steps) steps; \(found)")
        XCTAssertLessThan(found.noise.values.map(abs).max() ?? .infinity, 6, "\(className)")
      }
    }
  }

  /// Without the search a step is taken back with what the network says of its other end, which misses.
  func testTheSearchIsWhatClosesTheRoundTrip() throws {
    let loop = try loop(SchedulerConfig(.ddim), steps: 10)
    let plain = Inversion(loop, iterations: 1)(picture)
    let searched = Inversion(loop)(picture)
    XCTAssertGreaterThan(plain.residual, 50 * searched.residual)
    XCTAssertEqual(plain.evaluations, 20, "a guess and a look a step")
  }

  func testOnlyStepsThatDependOnNothingElseCanBeTakenBack() throws {
    for (name, isMemoryless) in [
      ("ddim", true), ("euler", true), ("euler-a", false), ("heun", false), ("dpmpp-2m", false),
      ("ddpm", false), ("unipc", false),
    ] {
      let sampler = try SchedulerConfig(.ddim).under(name).sampler(steps: 4)
      XCTAssertEqual(sampler.isMemoryless, isMemoryless, name)
    }
    XCTAssertFalse(try SchedulerConfig(.ddim).sampler(steps: 4, eta: 0.5).isMemoryless)
  }
}
