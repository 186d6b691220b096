import Schedulers
import TensorCore
import XCTest

/// The numbers that diffusers' own tests assert (`tests/schedulers/test_scheduler_*.py`), from its deterministic sample and
/// its stand-in for a network, `sample · t/(t + 1)`.
final class DiffusersNumbersTests: XCTestCase {
  /// `SchedulerCommonTest.dummy_sample_deter`: 0 … 767 over 768 as [3, 8, 8, 4], with the last dimension brought to the front.
  private var sample: Tensor {
    let count = 4 * 3 * 8 * 8
    return Tensor(
      (0..<count).map { i in
        let (n, rest) = (i / 192, i % 192)
        return Float(rest * 4 + n) / Float(count)
      }, shape: [4, 3, 8, 8])
  }

  private func run(_ config: SchedulerConfig, steps: Int, noise: ((Int) -> Tensor)? = nil) throws -> (
    sum: Double, mean: Double
  ) {
    var sampler = try config.sampler(steps: steps)
    let clipping = Clipping(config)
    var x = sampler.initialNoiseScale * sample
    for (i, evaluation) in sampler.evaluations.enumerated() {
      let t = evaluation.timestep
      // diffusers' tests go on with the scaled sample, where a pipeline would with the sample itself.
      x = evaluation.inputScale * x
      let output = t / (t + 1) * x
      var denoised = config.parametrization.denoised(output, x, evaluation)
      denoised.x0 = clipping(denoised.x0)
      x = sampler.step(i, denoised, x, noise: sampler.needsNoise(i) ? noise?(i) : nil)
    }
    let magnitudes = x.values.map { Double(abs($0)) }
    let sum = magnitudes.reduce(0, +)
    return (sum, sum / Double(magnitudes.count))
  }

  private func assertNumbers(
    _ className: SchedulerConfig.ClassName, steps: Int, sum: Double? = nil, mean: Double, _ test: String,
    line: UInt = #line, _ change: (inout SchedulerConfig) -> Void = { _ in }
  ) throws {
    var config = SchedulerConfig(className)
    config.numTrainTimesteps = 1000
    change(&config)
    let result = try run(config, steps: steps)
    // diffusers' own tolerances.
    if let sum { XCTAssertEqual(result.sum, sum, accuracy: 1e-2, "\(test), result_sum", line: line) }
    XCTAssertEqual(result.mean, mean, accuracy: 1e-3, "\(test), result_mean", line: line)
  }

  func testVariancePreserving() throws {
    let linear: (inout SchedulerConfig) -> Void = { ($0.betaStart, $0.betaEnd) = (0.0001, 0.02) }
    try assertNumbers(
      .ddim, steps: 10, sum: 172.0067, mean: 0.223967, "DDIMSchedulerTest.test_full_loop_no_noise"
    ) {
      linear(&$0)
    }
    try assertNumbers(.ddim, steps: 10, sum: 52.5302, mean: 0.0684, "DDIM…test_full_loop_with_v_prediction") {
      linear(&$0)
      $0.predictionType = .vPrediction
    }
    try assertNumbers(
      .ddim, steps: 10, sum: 149.8295, mean: 0.1951, "DDIM…test_full_loop_with_set_alpha_to_one"
    ) {
      ($0.betaStart, $0.betaEnd, $0.setAlphaToOne) = (0.01, 0.02, true)
    }
    try assertNumbers(
      .ddim, steps: 10, sum: 149.0784, mean: 0.1941, "DDIM…test_full_loop_with_no_set_alpha_to_one"
    ) {
      ($0.betaStart, $0.betaEnd, $0.setAlphaToOne) = (0.01, 0.02, false)
    }
    try assertNumbers(
      .pndm, steps: 10, sum: 198.1318, mean: 0.2580, "PNDMSchedulerTest.test_full_loop_no_noise")
    try assertNumbers(.pndm, steps: 10, sum: 67.3986, mean: 0.0878, "PNDM…test_full_loop_with_v_prediction") {
      $0.predictionType = .vPrediction
    }
    try assertNumbers(
      .pndm, steps: 10, sum: 230.0399, mean: 0.2995, "PNDM…test_full_loop_with_set_alpha_to_one"
    ) {
      ($0.betaStart, $0.setAlphaToOne) = (0.01, true)
    }
    try assertNumbers(
      .pndm, steps: 10, sum: 186.9482, mean: 0.2434, "PNDM…test_full_loop_with_no_set_alpha_to_one"
    ) {
      ($0.betaStart, $0.setAlphaToOne) = (0.01, false)
    }
  }

  func testExploding() throws {
    func range(_ config: inout SchedulerConfig) {
      (config.numTrainTimesteps, config.betaStart, config.betaEnd) = (1100, 0.0001, 0.02)
    }
    try assertNumbers(
      .euler, steps: 10, sum: 10.0807, mean: 0.0131, "EulerDiscreteSchedulerTest.test_full_loop_no_noise"
    ) {
      range(&$0)
    }
    try assertNumbers(
      .euler, steps: 10, sum: 0.0002, mean: 2.2676e-06, "Euler…test_full_loop_with_v_prediction"
    ) {
      range(&$0)
      $0.predictionType = .vPrediction
    }
    try assertNumbers(
      .euler, steps: 10, sum: 124.523, mean: 0.16214, "Euler…test_full_loop_device_karras_sigmas"
    ) {
      range(&$0)
      $0.useKarrasSigmas = true
    }
    try assertNumbers(
      .heun, steps: 10, sum: 0.1233, mean: 0.0002, "HeunDiscreteSchedulerTest.test_full_loop_no_noise"
    ) {
      range(&$0)
    }
    try assertNumbers(
      .lms, steps: 10, sum: 1006.388, mean: 1.31, "LMSDiscreteSchedulerTest.test_full_loop_no_noise"
    ) {
      range(&$0)
    }
    try assertNumbers(.lms, steps: 10, sum: 0.0017, mean: 2.2676e-06, "LMS…test_full_loop_with_v_prediction")
    {
      range(&$0)
      $0.predictionType = .vPrediction
    }
    try assertNumbers(
      .lms, steps: 10, sum: 3812.9927, mean: 4.9648, "LMS…test_full_loop_device_karras_sigmas"
    ) {
      range(&$0)
      $0.useKarrasSigmas = true
    }
    try assertNumbers(
      .dpm2, steps: 10, sum: 20.4125, mean: 0.0266, "KDPM2DiscreteSchedulerTest.test_full_loop_no_noise"
    ) {
      range(&$0)
    }
  }

  func testSolvers() throws {
    for (className, prediction, karras, mean, test) in [
      (
        .dpmSolverMultistep, .epsilon, false, 0.3301,
        "DPMSolverMultistepSchedulerTest.test_full_loop_no_noise"
      ),
      (
        .dpmSolverMultistep, .vPrediction, false, 0.2251,
        "DPMSolverMultistep…test_full_loop_with_v_prediction"
      ),
      (
        .dpmSolverMultistep, .vPrediction, true, 0.2096,
        "DPMSolverMultistep…test_full_loop_with_karras_and_v_prediction"
      ),
      (
        .dpmSolverSinglestep, .epsilon, false, 0.2791,
        "DPMSolverSinglestepSchedulerTest.test_full_loop_no_noise"
      ),
      (.dpmSolverSinglestep, .epsilon, true, 0.2248, "DPMSolverSinglestep…test_full_loop_with_karras"),
      (
        .dpmSolverSinglestep, .vPrediction, false, 0.1453,
        "DPMSolverSinglestep…test_full_loop_with_v_prediction"
      ),
      (
        .dpmSolverSinglestep, .vPrediction, true, 0.0649,
        "DPMSolverSinglestep…test_full_loop_with_karras_and_v_prediction"
      ),
      (.uniPC, .epsilon, false, 0.2464, "UniPCMultistepSchedulerTest.test_full_loop_no_noise"),
      (.uniPC, .epsilon, true, 0.2925, "UniPCMultistep…test_full_loop_with_karras"),
      (.uniPC, .vPrediction, false, 0.1014, "UniPCMultistep…test_full_loop_with_v_prediction"),
      (.uniPC, .vPrediction, true, 0.1966, "UniPCMultistep…test_full_loop_with_karras_and_v_prediction"),
      (.deis, .epsilon, false, 0.23916, "DEISMultistepSchedulerTest.test_full_loop_no_noise"),
      (.deis, .vPrediction, false, 0.091, "DEISMultistep…test_full_loop_with_v_prediction"),
    ] as [(SchedulerConfig.ClassName, SchedulerConfig.PredictionType, Bool, Double, String)] {
      try assertNumbers(className, steps: 10, mean: mean, test) {
        ($0.predictionType, $0.useKarrasSigmas) = (prediction, karras)
        if className != .deis { $0.finalSigmasType = .smallest }
        if className == .dpmSolverMultistep { $0.lowerOrderFinal = false }
      }
    }
  }
}
