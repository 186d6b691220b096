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
      var steps: Int?
      /// Of the trajectory.
      let timesteps: [Float]
      /// By hand, where there is no number of steps.
      var given_timesteps: [Int]?
      var given_sigmas: [Double]?
      let eta: Float
      var table: Int?
      /// σ at each step and at the end, of the samplers that have one.
      var levels: [Float]?

      var visits: Visits {
        given_sigmas.map(Visits.sigmas) ?? given_timesteps.map(Visits.timesteps) ?? .count(steps ?? 0)
      }
    }
    let cases: [Case]
  }

  private func cases() throws -> [Cases.Case] {
    try JSONDecoder().decode(Cases.self, from: Data(contentsOf: Fixtures.url("schedulers.json"))).cases
  }

  func testTables() throws {
    let file = try Fixtures.tensors("schedulers.safetensors")
    var seen: Set<Int> = []
    for given in try cases() {
      guard let table = given.table, seen.insert(table).inserted else { continue }
      let schedule = try NoiseSchedule(given.config)
      // 1e-6: one unit in the last place of β near 1e-2, or of ᾱ near 1.
      assertClose(
        schedule.betas, try file.tensor("betas/\(table)").values, relative: 1e-6,
        "β of table \(table)")
      assertClose(
        schedule.alphasCumprod, try file.tensor("alphas_cumprod/\(table)").values, relative: 1e-6,
        "ᾱ of table \(table)")
    }
    XCTAssertGreaterThanOrEqual(seen.count, 7)
  }

  func testTrajectoriesStepByStep() throws {
    let file = try Fixtures.tensors("schedulers.safetensors")
    let draws = try file.tensor("noise")
    let pattern = try file.tensor("pattern")
    func noise(_ i: Int) -> Tensor { draws.rows(i..<i + 1).reshaped(pattern.shape) }
    let all = try cases()
    XCTAssertGreaterThan(all.count, 350)
    for (number, given) in all.enumerated() {
      let what =
        "case \(number), \(given.config.json.filter { !$0.isNewline }), \(given.visits), η \(given.eta)"
      var sampler = try given.config.sampler(given.visits, eta: given.eta)
      let evaluations = sampler.evaluations
      assertClose(evaluations.map(\.timestep), given.timesteps, relative: 1e-6, "\(what): timesteps")
      if let levels = given.levels {
        let sigmas = evaluations.map {
          given.config.isFlow ? $0.level.sigma : $0.level.sigma / $0.level.alpha
        }
        assertClose(sigmas, Array(levels.prefix(sigmas.count)), relative: 1e-6, "\(what): sigmas")
      }
      guard evaluations.count == given.timesteps.count else { continue }
      let clipping = Clipping(given.config)
      var x = sampler.initialNoiseScale * noise(63)
      var states: [Tensor] = []
      for (i, evaluation) in evaluations.enumerated() {
        let output = Tensor.combination([(0.3 * evaluation.inputScale, x), (0.5, pattern)])
        var denoised = given.config.parametrization.denoised(output, x, evaluation)
        denoised.x0 = clipping(denoised.x0)
        if given.config.learnsVariance, given.config.className == .ddpm {
          denoised.variance = Tensor(pattern.values.map { 0.1 + 0.2 * abs($0) }, shape: pattern.shape)
        }
        x = sampler.step(i, denoised, x, noise: sampler.needsNoise(i) ? noise(i) : nil)
        states.append(x)
      }
      // 1e-5: f32 rounding over up to fifty steps. diffusers' DEIS divides by 1 − σ, next to 0 at a flow's first step, in
      // f32.
      let tolerance: Float = given.config.className == .deis && given.config.isFlow ? 1e-4 : 1e-5
      let expected = try file.tensor("states/\(number)")
      assertClose(Tensor.stacked(states).reshaped(expected.shape), expected, relative: tolerance, what)
    }
  }
}
