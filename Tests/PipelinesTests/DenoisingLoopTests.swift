import Models
import Pipelines
import Schedulers
import TensorCore
import TestSupport
import XCTest

/// The seams of the loop: starts, routes, and what is told after each visit.
final class DenoisingLoopTests: XCTestCase {
  /// Says a share of what it is shown.
  private struct Share: Predictor {
    func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor { 0.4 * x }
  }

  private let shape = [2, 1, 2, 4]

  private func config(_ sampler: String) throws -> SchedulerConfig {
    var base = SchedulerConfig(.ddim)
    base.clipSample = false
    return try base.under(sampler)
  }

  private func source() -> any NoiseSource { Generator.philox.source(seed: 3) }

  private func normal(_ purpose: NoisePurpose) -> Tensor {
    var noise = source()
    return noise.normal(shape, purpose, step: 0)
  }

  func testTheRestOfARunIsTheRunItself() throws {
    for name in ["ddim", "euler", "heun", "dpm2", "euler-a", "ddpm"] {
      var states: [Tensor] = []
      let whole = try DenoisingLoop(config(name), .count(6), predictor: Share()) { _, x, _ in
        states.append(x)
        return x
      }
      var noise = source()
      let expected = whole.run(shape, noise: &noise)
      let first = whole.sampler.stepStarts[3]
      // From a run's own state nothing changes but the key of the noise, which counts visits.
      guard !whole.sampler.evaluations.indices.contains(where: whole.sampler.needsNoise) else { continue }
      let rest = try DenoisingLoop(config(name), .count(6), predictor: Share())
      let route = Route(rest.sampler, skipping: 3)
      XCTAssertEqual(route.evaluations, Array(first..<whole.sampler.evaluations.count), name)
      let again = rest.run(from: .given(states[first - 1]), along: route, noise: &noise)
      XCTAssertEqual(again.values.map(\.bitPattern), expected.values.map(\.bitPattern), name)
    }
  }

  func testAPictureIsNoisedToTheLevelOfItsFirstVisit() throws {
    let picture = Tensor((0..<16).map { Float($0) / 16 }, shape: shape)
    let ends = Ends()
    let loop = try DenoisingLoop(config("euler"), .count(5), predictor: Share()) { end, x, _ in
      ends.all.append(end)
      return x
    }
    let level = loop.sampler.evaluations[3].level
    var noise = source()
    let route = Route(loop.sampler, skipping: 3)
    let epsilon = normal(.initialLatents)
    let a = loop.run(from: .picture(picture, noise: epsilon), along: route, noise: &noise)
    let b = loop.run(
      from: .given(.combination([(level.alpha, picture), (level.sigma, epsilon)])), along: route,
      noise: &noise)
    XCTAssertEqual(a.values, b.values)
    XCTAssertEqual(ends.all.map(\.evaluation), [3, 4, 3, 4])
    XCTAssertEqual(ends.all.map(\.visit), [0, 1, 0, 1])
    XCTAssertEqual(ends.all[0].level, loop.sampler.evaluations[4].level)
    XCTAssertEqual(ends.all[1].level, .clean)
  }

  private final class Ends { var all: [VisitEnd] = [] }

  func testWhatIsWithinAStepIsSaid() throws {
    func completeness(_ name: String, _ steps: Int, skipping: Int = 0) throws -> [Bool] {
      let ends = Ends()
      let loop = try DenoisingLoop(config(name), .count(steps), predictor: Share()) { end, x, _ in
        ends.all.append(end)
        return x
      }
      var noise = source()
      _ = loop.run(
        from: .noise(normal(.initialLatents)), along: Route(loop.sampler, skipping: skipping), noise: &noise)
      return ends.all.map(\.endsStep)
    }
    XCTAssertEqual(try completeness("ddim", 3), [true, true, true])
    XCTAssertEqual(try completeness("heun", 3), [false, true, false, true, true])
    XCTAssertEqual(try completeness("dpm2", 3), [false, true, false, true, true])
    XCTAssertEqual(try completeness("plms", 3), [false, true, true, true])
    XCTAssertEqual(
      try completeness("plms", 5, skipping: 2), [false, true, true, true],
      "the second of a beginning is redone")
    XCTAssertEqual(
      try completeness("pndm", 5),
      [false, false, false, true, false, false, false, true, false, false, false, true, true, true])
    XCTAssertEqual(try completeness("dpmpp-3s", 8), [false, false, true, false, false, true, true, true])
  }

  func testJumpsGoEachStretchAsOftenAsAsked() throws {
    let loop = try DenoisingLoop(config("ddim"), .count(7), predictor: Share())
    // Lugmayr et al.'s get_schedule_jump(t_T=7, n_sample=1, jump_length=2, jump_n_sample=2), with its timesteps counted
    // from the other end.
    let route = Route(loop.sampler, jumps: 2, resamplings: 2)
    XCTAssertEqual(route.evaluations, [0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6])
    XCTAssertEqual(
      route.legs.filter { if case .jump = $0 { true } else { false } },
      [
        .jump(from: 2, to: 0), .jump(from: 4, to: 2), .jump(from: 6, to: 4),
      ])
    XCTAssertEqual(Route(loop.sampler, jumps: 3, resamplings: 1), Route(loop.sampler))
    let begun = Route(loop.sampler, skipping: 3, jumps: 2, resamplings: 3)
    XCTAssertEqual(begun.evaluations, [3, 4, 5, 4, 5, 4, 5, 6])
  }

  /// A step of several evaluations is gone back over whole, and a beginning begins anew.
  func testJumpsKeepStepsWhole() throws {
    let heun = try DenoisingLoop(config("heun"), .count(3), predictor: Share())
    XCTAssertEqual(
      Route(heun.sampler, jumps: 1, resamplings: 2).evaluations, [0, 1, 0, 1, 2, 3, 2, 3, 4])
    let plms = try DenoisingLoop(config("plms"), .count(4), predictor: Share())
    XCTAssertEqual(
      Route(plms.sampler, jumps: 1, resamplings: 2).evaluations, [0, 1, 0, 1, 2, 2, 3, 3, 3, 4, 4],
      "the second evaluation of a beginning corrects the first")
  }

  /// The noise of a jump brings a level to the level it goes to, and no draw is used twice.
  func testJumpsAddTheNoiseThatIsMissing() throws {
    let count = 40_000
    let (low, high) = (NoiseLevel(alphaCumprod: 0.8), NoiseLevel(alphaCumprod: 0.3))
    func draw(_ step: UInt32) -> Tensor {
      Tensor(
        Philox(NoiseKey(seed: 1, index: 0, step: step, purpose: .renoising)).normal(count), shape: [1, count])
    }
    for (low, high) in [(low, high), (.exploding(0.5), .exploding(3)), (.flow(0.2), .flow(0.7))] {
      let x = high.renoised(low.noised(.full([1, count], 0.7), draw(0)), from: low, draw(1)).values
      let mean = x.reduce(0, +) / Float(count)
      let deviation = (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(count)).squareRoot()
      // Four deviations of the estimates.
      XCTAssertEqual(mean, 0.7 * high.alpha, accuracy: 4 * high.sigma / Float(count).squareRoot())
      XCTAssertEqual(deviation, high.sigma, accuracy: 4 * high.sigma / Float(2 * count).squareRoot())
    }
  }

  /// A jump forgets what the sampler knew: after it the run is one that begins there.
  func testASamplerForgetsWithAJump() throws {
    let loop = try DenoisingLoop(config("dpmpp-2m"), .count(6), predictor: Share()) { end, x, _ in
      // What stands before the jump and what comes of it is replaced, so that both runs go on from the same.
      end.visit == 3 ? .full(x.shape, 0.5) : x
    }
    var noise = source()
    let jumped = loop.run(
      from: .noise(normal(.initialLatents)),
      along: Route([
        .visit(0), .visit(1), .visit(2), .visit(3), .jump(from: 4, to: 3), .visit(3), .visit(4), .visit(5),
      ]),
      noise: &noise)
    let levels = (loop.sampler.evaluations[4].level, loop.sampler.evaluations[3].level)
    let begun = levels.1.renoised(
      .full(shape, 0.5), from: levels.0, noise.normal(shape, .renoising, step: 4))
    let plain = try DenoisingLoop(config("dpmpp-2m"), .count(6), predictor: Share())
    let expected = plain.run(from: .given(begun), along: Route(plain.sampler, skipping: 3), noise: &noise)
    XCTAssertEqual(jumped.values, expected.values)
  }
}
