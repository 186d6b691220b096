import Models
import NN
import Pipelines
import Schedulers
import TensorCore
import TestSupport
import XCTest

final class GuidanceTests: XCTestCase {
  /// Says its label everywhere, and counts how often it is asked.
  private final class Label: Predictor {
    var calls: [Int] = []

    func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor {
      let labels = condition.labels ?? []
      calls.append(labels.count)
      return Tensor(
        labels.flatMap { Array(repeating: Float($0), count: x.count / labels.count) }, shape: x.shape)
    }
  }

  private let evaluation = Evaluation(timestep: 0, level: .exploding(1))

  func testGuidanceIsLinearAndAsksOnce() {
    let label = Label()
    let guided = ClassifierFreeGuidance(label, unconditional: [Condition(labels: [1, 1])], scale: 2.5)
    let outputs = guided(.zeros([2, 1, 1, 2]), evaluation, Condition(labels: [3, 5]))
    XCTAssertEqual(outputs.values, [6, 6, 11, 11])
    XCTAssertEqual(label.calls, [4], "both sides in one batch")
  }

  func testTheOtherSideIsNotAskedAtScale1() {
    let label = Label()
    let guided = ClassifierFreeGuidance(label, unconditional: [Condition(labels: [1])], scale: 1)
    XCTAssertEqual(guided(.zeros([1, 1, 1, 2]), evaluation, Condition(labels: [3])).values, [3, 3])
    XCTAssertEqual(label.calls, [1])
  }

  func testSidesThatFitInNoBatchAreAskedInTurn() {
    let label = Label()
    let guided = ClassifierFreeGuidance(
      label, unconditional: [Condition(labels: [1], text: TextStates(.zeros([1, 2, 4])))], scale: 2)
    let condition = Condition(labels: [3], text: TextStates(.zeros([1, 7, 4])))
    XCTAssertEqual(guided(.zeros([1, 1, 1, 2]), evaluation, condition).values, [5, 5])
    XCTAssertEqual(label.calls, [1, 1])
  }

  func testANegativeConditionStandsInPlaceOfNone() {
    let label = Label()
    let guided = ClassifierFreeGuidance(
      label, unconditional: [Condition(labels: [2]), Condition(labels: [4])], scale: 3)
    // 3·9 − 2·(2 + 4)/2
    XCTAssertEqual(guided(.zeros([1, 1, 1, 2]), evaluation, Condition(labels: [9])).values, [21, 21])
    XCTAssertEqual(label.calls, [3])
  }

  func testANegativeBranchHasAStrengthOfItsOwn() {
    let guided = NegativeGuidance(
      Label(), unconditional: Condition(labels: [1]),
      negatives: [Condition(labels: [2]), Condition(labels: [4])],
      scale: 3, negativeScale: 0.5)
    // 1 + 3·(9 − 1) − ½·(2 − 1) − ½·(4 − 1)
    XCTAssertEqual(guided(.zeros([1, 1, 1, 2]), evaluation, Condition(labels: [9])).values, [23, 23])
  }

  /// Says a vector for each label: none (0, 0), the class (2, 0), another (1, 3).
  private struct Vectors: Predictor {
    func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor {
      let outputs: [[Float]] = [[0, 0], [2, 0], [1, 3]]
      return Tensor((condition.labels ?? []).flatMap { outputs[$0] }, shape: x.shape)
    }
  }

  func testWhatANegativeSharesIsNotTakenAway() {
    let guided = NegativeGuidance(
      Vectors(), unconditional: Condition(labels: [0]), negatives: [Condition(labels: [2])], scale: 5,
      negativeScale: 0.5, isPerpendicular: true)
    // 5·((2, 0) − ½·(0, 3))
    XCTAssertEqual(guided(.zeros([1, 1, 1, 2]), evaluation, Condition(labels: [1])).values, [10, -7.5])
  }

  func testAutoguidanceGoesAwayFromTheWeakerModel() {
    struct Weak: Predictor {
      func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor {
        .full(x.shape, Float(condition.labels?[0] ?? 0) - 1)
      }
    }
    let guided = Autoguidance(Label(), weak: Weak(), scale: 2.5)
    XCTAssertEqual(guided(.zeros([1, 1, 1, 2]), evaluation, Condition(labels: [3])).values, [4.5, 4.5])
  }

  /// Fixtures by `make_guidance.py`: diffusers' `rescale_noise_cfg` after its guidance.
  func testRescaleIsDiffusers() throws {
    let file = try Fixtures.tensors("guidance.safetensors")
    struct Sides: Predictor {
      let with: Tensor, without: Tensor
      func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor {
        .stacked(
          (condition.labels ?? []).enumerated().map { i, label in
            (label == 0 ? without : with).rows(i % with.shape[0]..<i % with.shape[0] + 1)
          })
      }
    }
    let (with, without) = (try file.tensor("conditional"), try file.tensor("unconditional"))
    for rescale in ["0.0", "0.7", "1.0"] {
      let guided = ClassifierFreeGuidance(
        Sides(with: with, without: without), unconditional: [Condition(labels: [0, 0])], scale: 7.5,
        rescale: Float(rescale) ?? 0)
      assertClose(
        guided(.zeros(with.shape), evaluation, Condition(labels: [1, 1])),
        try file.tensor("rescaled/\(rescale)"), relative: 1e-6, "rescale \(rescale)")
    }
  }

  /// The deviation is that of what the parts say together without guidance.
  func testRescaleOfAComposition() {
    let outputs: [[Float]] = [[1, 3], [5, -1], [2, 4]]
    struct Sides: Predictor {
      let outputs: [[Float]]
      func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor {
        Tensor((condition.labels ?? []).flatMap { outputs[$0] }, shape: x.shape)
      }
    }
    func guided(_ weights: [Float], scale: Float, rescale: Float) -> [Float] {
      let parts = weights.enumerated().map { (Condition(labels: [$0.offset + 1]), $0.element) }
      return ClassifierFreeGuidance(
        Sides(outputs: outputs), unconditional: [Condition(labels: [0])], scale: scale, rescale: rescale,
        composition: Composition(parts))(
          .zeros([1, 1, 1, 2]), evaluation, .none
        ).values
    }
    func width(_ values: [Float]) -> Float { abs(values[0] - values[1]) }
    // Of two values the deviation is their distance, but for a factor; also where scale and weights leave nothing of the other
    // side.
    for (weights, scale) in [([1, 0.5], 4), ([1, -0.5], 2), ([2], 0.5)] as [([Float], Float)] {
      let plain = guided(weights, scale: 1, rescale: 0)
      let rescaled = guided(weights, scale: scale, rescale: 1)
      XCTAssertEqual(width(rescaled), width(plain), accuracy: 1e-5, "\(weights), \(scale)")
      XCTAssertNotEqual(rescaled, plain)
    }
  }

  func testOutsideTheIntervalTheOtherSideIsNotAsked() throws {
    let sampler = try SchedulerConfig(.ddim).sampler(steps: 10)
    let label = Label()
    let guided = GuidanceInterval(
      ClassifierFreeGuidance(label, unconditional: [Condition(labels: [1])], scale: 3), plain: label,
      start: 0.2, end: 0.5, of: sampler)
    for start in sampler.stepStarts {
      _ = guided(.zeros([1, 1, 1, 2]), sampler.evaluations[start], Condition(labels: [3]))
    }
    XCTAssertEqual(label.calls, [1, 1, 2, 2, 2, 1, 1, 1, 1, 1])
  }

  func testAnIntervalIsASpanOfSteps() throws {
    struct Constant: Predictor {
      let value: Float
      func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor {
        .full(x.shape, value)
      }
    }
    for name in ["ddim", "euler", "dpm2", "dpmpp-2m"] {
      let sampler = try SchedulerConfig(.ddim).under(name).sampler(steps: 10)
      func guided(_ start: Float, _ end: Float) -> [Int] {
        let interval = GuidanceInterval(
          Constant(value: 1), plain: Constant(value: 0), start: start, end: end, of: sampler)
        return sampler.stepStarts.indices.filter {
          interval(.zeros([1]), sampler.evaluations[sampler.stepStarts[$0]], .none).item == 1
        }
      }
      XCTAssertEqual(guided(0, 1), Array(0..<10), name)
      XCTAssertEqual(guided(0.2, 0.7), Array(2..<7), name)
      XCTAssertEqual(guided(0, 0.45), Array(0..<5), name)
      XCTAssertEqual(guided(0.95, 1), [], name)
    }
  }
}
