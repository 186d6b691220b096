import Foundation
import NN
import Schedulers
import TensorCore
import TestSupport
import XCTest

/// Tables and trajectories against diffusers'; fixtures by `make_schedulers.py`.
final class TrajectoryTests: XCTestCase {
  private struct Cases: Decodable {
    struct Case: Decodable {
      let config: SchedulerConfig
      let steps: Int
      let eta: Float
      let table: Int
      let timesteps: [Int]
    }
    let cases: [Case]
  }

  private func cases() throws -> [Cases.Case] {
    try JSONDecoder().decode(Cases.self, from: Data(contentsOf: Fixtures.url("schedulers.json"))).cases
  }

  func testTables() throws {
    let file = try Fixtures.tensors("schedulers.safetensors")
    var seen: Set<Int> = []
    for given in try cases() where seen.insert(given.table).inserted {
      let schedule = try NoiseSchedule(given.config)
      // 1e-6: one unit in the last place of β near 1e-2, or of ᾱ near 1.
      assertClose(
        schedule.betas, try file.tensor("betas/\(given.table)").values, relative: 1e-6,
        "β of table \(given.table)")
      assertClose(
        schedule.alphasCumprod, try file.tensor("alphas_cumprod/\(given.table)").values, relative: 1e-6,
        "ᾱ of table \(given.table)")
    }
    XCTAssertGreaterThanOrEqual(seen.count, 7)
  }

  func testTrajectoriesStepByStep() throws {
    let file = try Fixtures.tensors("schedulers.safetensors")
    let draws = try file.tensor("noise")
    let pattern = try file.tensor("pattern")
    func noise(_ i: Int) -> Tensor { draws.rows(i..<i + 1).reshaped(pattern.shape) }
    let all = try cases()
    XCTAssertGreaterThan(all.count, 150)
    for (number, given) in all.enumerated() {
      let what = "case \(number), \(given.config.className.rawValue), \(given.steps) steps, η \(given.eta)"
      var sampler = try given.config.sampler(steps: given.steps, eta: given.eta)
      XCTAssertEqual(sampler.timesteps, given.timesteps, what)
      guard sampler.timesteps == given.timesteps else { continue }
      let clipping = Clipping(given.config)
      var x = noise(63)
      var states: [Tensor] = []
      for i in sampler.timesteps.indices {
        let output = Tensor.combination([(0.3, x), (0.5, pattern)])
        var denoised = given.config.predictionType.denoised(output, x, alphaCumprod: sampler.alphasCumprod[i])
        denoised.x0 = clipping(denoised.x0)
        x = sampler.step(i, denoised, x, noise: sampler.needsNoise(i) ? noise(i) : nil)
        states.append(x)
      }
      // 1e-5: f32 rounding over up to fifty steps.
      let expected = try file.tensor("states/\(number)")
      assertClose(Tensor.stacked(states).reshaped(expected.shape), expected, relative: 1e-5, what)
    }
  }
}
