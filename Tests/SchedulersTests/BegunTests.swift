import Foundation
import NN
import Schedulers
import TensorCore
import TestSupport
import XCTest

/// Trajectories that begin in the middle of a schedule.
final class BegunTests: XCTestCase {
  private struct Cases: Decodable {
    struct Case: Decodable {
      let config: SchedulerConfig
      let steps: Int
      /// The evaluation that it begins with.
      let first: Int
      /// From there on.
      let timesteps: [Float]
      let eta: Float
    }
    let cases: [Case]
  }

  /// An image noised to the level of a step and each evaluation from there, as diffusers' image-to-image pipelines have
  /// them; fixtures by `make_begun.py`.
  func testEveryThirdStepOfEveryClass() throws {
    let cases = try JSONDecoder().decode(Cases.self, from: Data(contentsOf: Fixtures.url("begun.json"))).cases
    let file = try Fixtures.tensors("begun.safetensors")
    let (draws, image, pattern) = (
      try file.tensor("noise"), try file.tensor("image"), try file.tensor("pattern")
    )
    func noise(_ i: Int) -> Tensor { draws.rows(i..<i + 1).reshaped(pattern.shape) }
    XCTAssertEqual(
      Set(cases.map(\.config.className)), Set(SchedulerConfig.ClassName.allCases), "every class is there")
    for (number, given) in cases.enumerated() {
      let what = "case \(number), \(given.config.json.filter { !$0.isNewline }), from \(given.first)"
      var sampler = try given.config.sampler(steps: given.steps, eta: given.eta)
      let rest = sampler.evaluations.dropFirst(given.first)
      assertClose(rest.map(\.timestep), given.timesteps, relative: 1e-6, "\(what): timesteps")
      let clipping = Clipping(given.config)
      var x = sampler.evaluations[given.first].level.noised(image, noise(draws.shape[0] - 1))
      var states = [x]
      for (visit, i) in rest.indices.enumerated() {
        let evaluation = sampler.evaluations[i]
        let output = Tensor.combination([(0.3 * evaluation.inputScale, x), (0.5, pattern)])
        var denoised = given.config.parametrization.denoised(output, x, evaluation)
        denoised.x0 = clipping(denoised.x0)
        x = sampler.step(i, denoised, x, noise: sampler.needsNoise(i) ? noise(visit) : nil)
        states.append(x)
      }
      let expected = try file.tensor("states/\(number)")
      // 1e-5: f32 rounding over a dozen steps.
      assertClose(Tensor.stacked(states).reshaped(expected.shape), expected, relative: 1e-5, what)
    }
  }

  /// A network that knows the picture: wherever a method begins, its way from the noised picture is a straight line in the
  /// noise, which every one of them follows exactly.
  func testWhatIsKnownIsFoundFromEveryStep() throws {
    let picture = Tensor([0.8, -0.3, 0.1, -0.9], shape: [1, 1, 2, 2])
    let noise = Tensor([0.4, -1.2, 2.1, 0.3], shape: [1, 1, 2, 2])
    for named in [
      "ddim", "pndm", "plms", "euler", "heun", "lms", "dpm2", "dpmpp-2m", "dpmpp-3m", "dpmpp-3s", "unipc",
    ] {
      var base = SchedulerConfig(.ddim)
      (base.betaSchedule, base.betaStart, base.betaEnd) = (.scaledLinear, 0.00085, 0.012)
      (base.clipSample, base.setAlphaToOne) = (false, true)
      let config = try base.under(named)
      let starts = try config.sampler(steps: 12).stepStarts
      XCTAssertGreaterThan(starts.count, 3, named)
      for first in starts {
        var sampler = try config.sampler(steps: 12)
        var x = sampler.evaluations[first].level.noised(picture, noise)
        for i in sampler.visits(from: first) {
          let evaluation = sampler.evaluations[i]
          let level = evaluation.level
          let epsilon = Tensor.combination([(1 / level.sigma, x), (-level.alpha / level.sigma, picture)])
          x = sampler.step(
            i, config.parametrization.denoised(epsilon, x, evaluation), x, noise: nil)
        }
        // 2e-3: divisions by the smallest sigma, 0.03, magnify rounding.
        assertClose(x, picture, relative: 2e-3, "\(named) from \(first)")
      }
    }
  }

  func testStepsBeginWhereTheyShould() throws {
    func starts(_ name: String, _ steps: Int) throws -> [Int] {
      try SchedulerConfig(.ddim).under(name).sampler(steps: steps).stepStarts
    }
    XCTAssertEqual(try starts("ddim", 4), [0, 1, 2, 3])
    XCTAssertEqual(try starts("heun", 4), [0, 2, 4, 6])
    XCTAssertEqual(try starts("plms", 5), [0, 2, 3, 4, 5])
    XCTAssertEqual(try starts("pndm", 6), [0, 4, 8, 12, 13, 14])
    XCTAssertEqual(try starts("dpmpp-3s", 8), [0, 3, 6, 7])
  }

  /// diffusers' PNDM cannot begin with Runge–Kutta steps of fewer than four timesteps either; without them it asks the same
  /// twice, which the number tells apart.
  func testPNDMsFirstSteps() throws {
    let config = try SchedulerConfig(.ddim).under("pndm")
    for steps in 1...3 { XCTAssertThrowsError(try config.sampler(steps: steps), "\(steps)") }
    XCTAssertGreaterThan(try config.sampler(steps: 4).evaluations.count, 0)
    let multistep = try SchedulerConfig(.ddim).under("plms")
    XCTAssertEqual(try multistep.sampler(steps: 1).evaluations.count, 1)
    let sampler = try multistep.sampler(steps: 3)
    XCTAssertEqual(sampler.evaluations[1], sampler.evaluations[2])
    XCTAssertEqual((0..<4).map { sampler.evaluation($0).index }, [0, 1, 2, 3])
  }
}
