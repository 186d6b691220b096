import NN
import TensorCore
import TestSupport
import XCTest

/// Against PyTorch and diffusers; fixtures by `make_optim.py`.
final class OptimizationTests: XCTestCase {
  func testTenStepsOfAdamWWithClippingAndEMA() throws {
    let file = try Fixtures.tensors("optim.safetensors")
    let parameters = try (0..<3).map { try file.tensor("start/\($0)") }
    let averages = parameters.map { Tensor($0.values, shape: $0.shape) }
    var options = AdamW.Options()
    (options.beta2, options.weightDecay) = (0.99, 0.05)
    let optimizer = AdamW(parameters, options)
    let ema = ExponentialMovingAverage(decay: 0.95)
    for step in 0..<10 {
      let gradients = try (0..<3).map { try file.tensor("gradient/\(step)/\($0)") }
      let norm = AdamW.norm(gradients)
      assertClose([norm], try file.tensor("norm/\(step)").values, relative: 1e-6, "norm at step \(step)")
      optimizer.step(gradients, norm: norm, learningRate: 1e-2)
      ema.update(averages, from: parameters, step: step + 1)
      for i in 0..<3 {
        // 2e-6: a few roundings of f32 a step.
        assertClose(
          parameters[i], try file.tensor("parameter/\(step)/\(i)"), relative: 2e-6,
          "parameter \(i) at step \(step)")
        assertClose(
          averages[i], try file.tensor("average/\(step)/\(i)"), relative: 2e-6, "average \(i) at step \(step)"
        )
      }
    }
    XCTAssertEqual(optimizer.stepsTaken, 10)
  }

  func testLearningRates() throws {
    let rate = LearningRate(peak: 3e-4, warmup: 7, decay: .cosine)
    assertClose(
      (0..<50).map { rate.at($0, of: 50) }, try Fixtures.tensors("optim.safetensors").tensor("rates").values,
      relative: 1e-6, "cosine with warm-up")
    XCTAssertEqual(LearningRate(peak: 1, warmup: 0, decay: .constant).at(999, of: 1000), 1)
  }
}
