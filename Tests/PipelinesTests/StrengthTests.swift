import Models
import Pipelines
import Schedulers
import TensorCore
import XCTest

final class StrengthTests: XCTestCase {
  func testStepsAreThoseTakenUnlessDiffusersCountIsAskedFor() {
    func counts(_ strength: Double, _ steps: Int, _ mode: Strength.StepsMode, most: Int = 1000) -> [Int] {
      let strength = Strength(strength, steps: steps, mode: mode, most: most)
      return [strength.total, strength.taken]
    }
    XCTAssertEqual(counts(0.3, 50, .diffusers), [50, 15])
    XCTAssertEqual(counts(0.3, 50, .taken), [167, 50])
    XCTAssertEqual(counts(1, 50, .taken), [50, 50])
    XCTAssertEqual(counts(0.02, 50, .taken), [1000, 20], "a schedule has no more")
    XCTAssertEqual(counts(0.01, 50, .diffusers), [50, 0])
    XCTAssertEqual(counts(0.001, 5, .taken, most: 100), [100, 1])
  }

  func testRoutesBeginWithWholeSteps() throws {
    func visited(_ name: String, _ mode: Strength.StepsMode) throws -> [Int] {
      let sampler = try SchedulerConfig(.ddim).under(name).sampler(steps: 8)
      return Strength(0.5, steps: mode == .taken ? 4 : 8, mode: mode, most: 8).route(sampler).evaluations
    }
    XCTAssertEqual(try visited("ddim", .taken), [4, 5, 6, 7])
    XCTAssertEqual(try visited("heun", .taken), Array(8..<15))
    XCTAssertEqual(try visited("heun", .diffusers), Array(8..<15))
    XCTAssertEqual(try visited("plms", .taken), [5, 6, 6, 7, 8])
    XCTAssertEqual(try visited("plms", .diffusers), [4, 5, 6, 7, 8], "as diffusers has it")
    XCTAssertEqual(try visited("dpmpp-3s", .taken), [3, 4, 5, 6, 7], "the block that holds the fifth")
  }

  /// The known part is what it was at the end, to the bit, and at the level of its noise on the way.
  func testTheKnownPartIsHeld() throws {
    struct Half: Predictor {
      func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor { 0.5 * x }
    }
    let known = Tensor((0..<16).map { Float($0) / 16 - 0.5 }, shape: [1, 1, 4, 4])
    let mask = Tensor((0..<16).map { $0 % 4 < 2 ? 1 : 0 }, shape: [1, 1, 4, 4])
    for method in Inpainting.Method.allCases {
      for name in ["ddim", "heun", "dpmpp-2m", "euler-a"] {
        var noise = Generator.philox.source(seed: 2)
        let epsilon = noise.normal(known.shape, .initialLatents, step: 0)
        let inpainting = Inpainting(method, known: known, mask: mask, epsilon: epsilon)
        var seen: [(VisitEnd, Tensor)] = []
        let loop = try DenoisingLoop(SchedulerConfig(.ddim).under(name), .count(5), predictor: Half()) {
          end, x, noise in
          let held = inpainting.afterVisit(end, x, &noise)
          seen.append((end, held))
          return held
        }
        let result = loop.run(from: .noise(epsilon), noise: &noise).values
        for i in 0..<16 where mask.values[i] == 0 {
          XCTAssertEqual(result[i], known.values[i], "\(method) \(name)")
        }
        guard method == .blend else { continue }
        for (end, held) in seen {
          let expected = end.level.noised(known, epsilon).values
          for i in 0..<16 where mask.values[i] == 0 { XCTAssertEqual(held.values[i], expected[i]) }
        }
      }
    }
  }
}
