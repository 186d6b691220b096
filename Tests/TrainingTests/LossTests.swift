import Foundation
import NN
import Schedulers
import TensorCore
import TestSupport
import Training
import XCTest

/// Losses, their gradients and the terms of the variational bound against the papers' formulas in float64; fixtures by
/// `make_losses.py`.
final class LossTests: XCTestCase {
  private struct Cases: Decodable {
    let cases: [Case]
    let flows: [Flow]

    init() throws {
      self = try JSONDecoder().decode(Cases.self, from: Data(contentsOf: Fixtures.url("losses.json")))
    }
  }

  private struct Flow: Decodable {
    let count: Int
    let shift: Double
    let sigmas: [Float], timesteps: [Float]
  }

  private struct Case: Decodable {
    let schedule: SchedulerConfig.BetaSchedule
    let count: Int
    let prediction: SchedulerConfig.PredictionType
    let timesteps: [Int]
    let gamma: Float?
    let huber: LossOptions.HuberSchedule?
    let constant: Float?
    let learned: Bool
    let weight: Float

    var scheduler: SchedulerConfig {
      var config = SchedulerConfig(.ddpm)
      (config.betaSchedule, config.numTrainTimesteps, config.predictionType) = (schedule, count, prediction)
      if learned { config.varianceType = .learnedRange }
      return config
    }

    var options: LossOptions {
      var options = LossOptions()
      options.minSNRGamma = gamma
      if let huber { (options.error, options.huberSchedule) = (.huber, huber) }
      options.huberConstant = constant ?? options.huberConstant
      (options.learnsVariance, options.boundWeight) = (learned, weight)
      return options
    }
  }

  private func forEachCase(_ body: (Case, String, (String) throws -> Tensor) throws -> Void) throws {
    let cases = try JSONDecoder().decode(Cases.self, from: Data(contentsOf: Fixtures.url("losses.json")))
      .cases
    XCTAssertGreaterThan(cases.count, 30)
    let file = try Fixtures.tensors("losses.safetensors")
    for (n, c) in cases.enumerated() {
      try body(c, "case \(n), \(c.schedule), \(c.prediction), learned \(c.learned)") {
        try file.tensor("\(n)/\($0)")
      }
    }
  }

  /// 2e-5 of each case's largest value: 1 − ᾱ at the first timesteps is what f32 leaves of a small difference.
  func testLossesAndGradientsEqualThePapers() throws {
    try forEachCase { c, what, tensor in
      let loss = try DenoisingLoss(c.options, c.scheduler)
      let (x0, noise, output) = try (tensor("x0"), tensor("noise"), tensor("output"))
      var losses: Tensor?
      let (_, gradients) = valueAndGradients(of: [output]) {
        let each = loss(output, x0: x0, noise: noise, timesteps: c.timesteps)
        losses = each
        return each.sum()
      }
      let (actual, expected) = try (XCTUnwrap(losses).values, tensor("loss").values)
      for (a, e) in zip(actual, expected) { XCTAssertEqual(a, e, accuracy: 2e-5 * abs(e), what) }
      // A sample and a half at a time: weights and the bound make them differ by orders of magnitude.
      let gradient = try tensor("gradient")
      for n in c.timesteps.indices {
        for half in 0..<gradient.shape[1] / 3 {
          let halves = [gradients[0], gradient].map {
            $0.rows(n..<n + 1).splitChannels(Array(repeating: 3, count: $0.shape[1] / 3))[half]
          }
          // Late, β̃ is β but for a thousandth, and the variance's gradient the difference of two logarithms in f32.
          let tolerance: Float = half == 1 && c.timesteps[n] > 10 ? 3e-3 : 5e-5
          assertClose(
            halves[0], halves[1], relative: tolerance, "\(what), t = \(c.timesteps[n]), half \(half)")
        }
      }
    }
  }

  func testTheBoundsTermsEqualThePapers() throws {
    try forEachCase { c, what, tensor in
      let bound = try VariationalBound(c.scheduler)
      let noise = try TrainingNoise(c.scheduler)
      let x0 = try tensor("x0")
      let parts = try tensor("output").splitChannels(c.learned ? [3, 3] : [3])
      let target = noise.target(x0, try tensor("noise"), timesteps: c.timesteps)
      let variance = bound.logVariance(
        c.learned ? .learnedRange : .small, c.learned ? parts[1] : nil, like: x0, timesteps: c.timesteps)
      let terms = bound.terms(
        error: bound.pictureError(parts[0], target, timesteps: c.timesteps), x0: x0, logVariance: variance,
        timesteps: c.timesteps)
      for (a, e) in zip(terms.values, try tensor("bound").values) {
        XCTAssertEqual(a, e, accuracy: 5e-5 * abs(e), what)
      }
      for (a, e) in zip(bound.prior(x0), try tensor("prior").values) {
        XCTAssertEqual(Float(a), e, accuracy: 1e-5 * abs(e), "\(what), prior")
      }
    }
  }

  /// What Hang et al. weight at SNR 20 and 0.5 with γ = 5.
  func testMinSNRWeights() {
    let weight = MinSNRWeighting(gamma: 5)
    XCTAssertEqual(weight(snr: 20, .epsilon), 0.25)
    XCTAssertEqual(weight(snr: 20, .sample), 5)
    XCTAssertEqual(weight(snr: 20, .vPrediction), Float(5.0 / 21))
    XCTAssertEqual(weight(snr: 0.5, .epsilon), 1)
    XCTAssertEqual(weight(snr: 0.5, .sample), 0.5)
    XCTAssertEqual(weight(snr: 0.5, .vPrediction), Float(0.5 / 1.5))
  }

  /// x = (1 − σ)·x₀ + σ·ε at diffusers' σ, the network told T·σ and asked for ε − x₀.
  func testFlowsAreStraightLines() throws {
    for flow in try Cases().flows {
      var config = SchedulerConfig(.flowMatchEuler)
      (config.numTrainTimesteps, config.shift) = (flow.count, flow.shift)
      let noise = try TrainingNoise(config)
      assertClose(noise.levels.map(\.sigma), flow.sigmas, relative: 1e-6, "σ, shift \(flow.shift)")
      assertClose(noise.networkTimesteps, flow.timesteps, relative: 1e-6, "T·σ, shift \(flow.shift)")
      let (x0, epsilon) = (
        Tensor([1, -0.5, 0.25, 1], shape: [2, 2]), Tensor([0.5, 2, -1, 0], shape: [2, 2])
      )
      let timesteps = [0, flow.count / 2]
      let sigmas = timesteps.map { flow.sigmas[$0] }
      let x = noise.noisy(x0, epsilon, timesteps: timesteps).values
      for i in 0..<4 {
        let (s, picture, draw) = (sigmas[i / 2], x0.values[i], epsilon.values[i])
        XCTAssertEqual(x[i], (1 - s) * picture + s * draw, accuracy: 1e-6)
      }
      XCTAssertEqual(noise.target(x0, epsilon, timesteps: timesteps).values, [-0.5, 2.5, -1.25, -1])
    }
  }

  func testImpossibleLossesAreRefused() throws {
    func refused(_ scheduler: SchedulerConfig, _ change: (inout LossOptions) -> Void, _ words: String) {
      var options = LossOptions()
      change(&options)
      XCTAssertThrowsError(try DenoisingLoss(options, scheduler), words) {
        XCTAssertTrue("\($0)".contains(words), "\(words) in: \($0)")
      }
    }
    let ddpm = SchedulerConfig(.ddpm)
    var learned = ddpm
    learned.varianceType = .learnedRange
    var zero = ddpm
    (zero.rescaleBetasZeroSNR, zero.predictionType) = (true, .vPrediction)
    refused(ddpm, { $0.minSNRGamma = 0 }, "--min-snr-gamma")
    refused(zero, { $0.minSNRGamma = 5 }, "never be learned")
    refused(ddpm, { $0.huberConstant = 0 }, "--huber-constant")
    refused(ddpm, { $0.learnsVariance = true }, "variance_type 'fixed_small'")
    refused(SchedulerConfig(.ddim), { $0.learnsVariance = true }, "DDPMScheduler")
    refused(learned, { _ in }, "give --learn-variance")
    refused(learned, { ($0.learnsVariance, $0.offsetNoise) = (true, 0.1) }, "--offset-noise")
    refused(SchedulerConfig(.edmEuler), { _ in }, "preconditioning")
  }
}
