import Foundation
import Models
import Pipelines
import Schedulers
import TensorCore
import TestSupport
import XCTest

/// Guidance by a likelihood, on data for which everything is known: x₀ normal with deviation s, and a class that says how far
/// x is from a place.
final class ClassifierGuidanceTests: XCTestCase {
  private let deviation = 0.7

  /// E[ε | x] of normal data, as the network's output of each parametrisation.
  private struct Normal: Predictor {
    let config: SchedulerConfig
    let deviation: Double

    func callAsFunction(_ shown: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor {
      let (alpha, sigma) = (Double(evaluation.level.alpha), Double(evaluation.level.sigma))
      let scale = Double(evaluation.inputScale)
      let total = alpha * alpha * deviation * deviation + sigma * sigma
      // Of x = shown/scale.
      let (x0, epsilon) = (alpha * deviation * deviation / total, sigma / total)
      let weight =
        switch config.predictionType {
        case .epsilon: epsilon
        case .sample: x0
        case .vPrediction: scale * (alpha * epsilon - sigma * x0)
        case .flow: epsilon - x0
        }
      return Float(weight / scale) * shown
    }
  }

  /// log p(y|x) = −(x/√(α²s² + σ²) − 1)²/2: its posterior is a normal distribution too.
  private func classifier(_ scale: Float) -> ClassifierGuidance {
    let s2 = deviation * deviation
    return ClassifierGuidance(scale: scale) { shown, evaluation, _ in
      let (alpha, sigma) = (Double(evaluation.level.alpha), Double(evaluation.level.sigma))
      let width = (alpha * alpha * s2 + sigma * sigma).squareRoot() * Double(evaluation.inputScale)
      return Float(-1 / (width * width)) * shown + Float(1 / width)
    }
  }

  /// With u the picture in deviations of its level, the flow guided by s·(1 − u) is du = s·(u − 1)·d log r, where
  /// r² = deviation² + σ²/α². So u − 1 falls by the power s of what r falls by, whatever the network predicts and whichever
  /// sampler goes the way.
  func testTheScoreFormFollowsTheGuidedFlow() throws {
    let noise = Tensor((0..<16).map { Float($0) / 5 - 1.5 }, shape: [1, 1, 4, 4])
    let scale: Float = 0.3
    for prediction in [SchedulerConfig.PredictionType.epsilon, .sample, .vPrediction] {
      for name in ["ddim", "euler", "dpmpp-2m", "heun"] {
        var base = SchedulerConfig(.ddim)
        (base.clipSample, base.predictionType) = (false, prediction)
        let config = try base.under(name)
        let loop = try DenoisingLoop(
          config, .count(200), predictor: Normal(config: config, deviation: deviation),
          classifier: classifier(scale))
        var source = Generator.philox.source(seed: 0)
        let result = loop.run(from: .noise(noise), noise: &source)
        let first = loop.sampler.evaluations[0].level
        let ratio = Double(first.sigma / first.alpha)
        let fall = pow(deviation / (deviation * deviation + ratio * ratio).squareRoot(), Double(scale))
        // 2 %: methods of the first order in two hundred steps.
        assertClose(
          result.values.map { $0 / Float(deviation) }, noise.values.map { 1 + ($0 - 1) * Float(fall) },
          relative: 0.02, "\(name), \(prediction)")
      }
    }
  }

  func testTheMeanFormAddsTheVarianceTimesTheGradient() throws {
    var config = SchedulerConfig(.ddpm)
    (config.clipSample, config.varianceType) = (true, .fixedLarge)
    let x = Tensor([0.3, -0.8, 1.1, 0.2], shape: [1, 1, 2, 2])
    let gradient = Tensor([1, -2, 0.5, 3], shape: [1, 1, 2, 2])
    for variance in [SchedulerConfig.VarianceType.fixedSmall, .fixedLarge] {
      config.varianceType = variance
      var sampler = try config.sampler(steps: 10)
      XCTAssertTrue(sampler.guidesMeans)
      var denoised = config.parametrization.denoised(x, x, sampler.evaluations[4])
      let plain = sampler.step(4, denoised, x, noise: .zeros(x.shape))
      denoised.gradient = gradient
      let guided = sampler.step(4, denoised, x, noise: .zeros(x.shape))
      let (now, next) = (
        Double(sampler.evaluations[4].level.alphaCumprod), Double(sampler.evaluations[5].level.alphaCumprod)
      )
      let beta = 1 - now / next
      let sigma2 = variance == .fixedLarge ? beta : (1 - next) / (1 - now) * beta
      assertClose(guided - plain, Float(sigma2) * gradient, relative: 1e-4, "\(variance)")
    }
  }

  /// Many ancestral steps with the mean form end in the distribution that Bayes' rule gives for a linear likelihood, whose
  /// gradient is the same everywhere: the mean moves by the variance of the data times the gradient.
  func testTheMeanFormFollowsBayesRule() throws {
    var config = SchedulerConfig(.ddpm)
    config.clipSample = false
    let s2 = deviation * deviation
    // log p(y|x) = E[x₀|x]: its gradient with respect to x is α·s²/(α²s² + σ²).
    let classifier = ClassifierGuidance(scale: 1) { shown, evaluation, _ in
      let (alpha, sigma) = (Double(evaluation.level.alpha), Double(evaluation.level.sigma))
      return .full(shown.shape, Float(alpha * s2 / (alpha * alpha * s2 + sigma * sigma)))
    }
    let loop = try DenoisingLoop(
      config, .count(250), predictor: Normal(config: config, deviation: deviation), classifier: classifier)
    var source = Generator.philox.source(seed: 1)
    let result = loop.run([64, 1, 16, 16], noise: &source).values
    let mean = result.reduce(0) { $0 + Double($1) } / Double(result.count)
    // Four deviations of the mean of 16,384 draws are 0.022; 250 steps come 0.02 short.
    XCTAssertEqual(mean, s2, accuracy: 0.04)
  }
}
