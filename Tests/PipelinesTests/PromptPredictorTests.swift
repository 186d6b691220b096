import Models
import Pipelines
import Schedulers
import TensorCore
import XCTest

/// What prompts make of guidance: composition, changes on the way, and pictures of their own prompts in one batch.
final class PromptPredictorTests: XCTestCase {
  /// Says the first value of each picture's text, and counts the rows that it is asked about.
  private final class FirstState: Predictor {
    var rows: [Int] = []

    func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor {
      let count = x.shape[0]
      rows.append(count)
      let firsts = (0..<count).map { condition.text!.states.rows($0..<$0 + 1).values[0] }
      XCTAssertEqual(condition.labels?.count ?? count, count)
      return Tensor(
        firsts.flatMap { Array(repeating: $0, count: x.count / count) }, shape: x.shape)
    }
  }

  private func text(_ value: Float, length: Int = 2) -> Condition {
    Condition(text: TextStates(.full([1, length, 3], value)))
  }

  private func always(_ parts: [(Condition, Float)], against negative: Condition) -> PromptConditions {
    PromptConditions(stages: [
      .init(lastStep: 1, parts: parts.map { ($0.0, $0.1) }, unconditional: negative)
    ])
  }

  private let sampler = try! SchedulerConfig(.euler).sampler(steps: 4)

  private func predicted(
    _ prompts: [(conditions: PromptConditions, count: Int)], scale: Float, evaluation i: Int = 0,
    by network: FirstState = FirstState(), _ condition: Condition = .none
  ) -> [Float] {
    let predictor = PromptPredictor(network, prompts, sampler: sampler) { network, sides in
      ClassifierFreeGuidance(
        network, unconditional: [sides.unconditional], scale: scale, composition: sides.composition)
    }
    let count = prompts.reduce(0) { $0 + $1.count }
    return predictor(.zeros([count, 1, 1, 1]), sampler.evaluation(i), condition).values
  }

  func testOneTextIsGuidedAwayFromTheNegative() {
    let network = FirstState()
    XCTAssertEqual(
      predicted([(always([(text(5), 1)], against: text(2)), 1)], scale: 3, by: network), [2 + 3 * (5 - 2)])
    XCTAssertEqual(network.rows, [2])
  }

  func testAtScale1TheNegativeIsNotAsked() {
    let network = FirstState()
    XCTAssertEqual(predicted([(always([(text(5), 1)], against: text(2)), 2)], scale: 1, by: network), [5, 5])
    XCTAssertEqual(network.rows, [2])
  }

  func testSeveralTextsAddUp() {
    let parts: [(Condition, Float)] = [(text(5), 1), (text(7), 0.5), (text(1), -1)]
    let expected: Float = 2 + 3 * ((5 - 2) + 0.5 * (7 - 2) - (1 - 2))
    XCTAssertEqual(predicted([(always(parts, against: text(2)), 1)], scale: 3), [expected])
    // One text of a weight is guided by so much more.
    XCTAssertEqual(predicted([(always([(text(5), 2)], against: text(2)), 1)], scale: 3), [2 + 6 * (5 - 2)])
  }

  func testWeightsThatSumUpToOneNeedNoNegative() {
    let network = FirstState()
    let parts = [(text(5), Float(0.5)), (text(7), Float(0.5))]
    XCTAssertEqual(predicted([(always(parts, against: text(2)), 1)], scale: 1, by: network), [6])
    XCTAssertEqual(network.rows, [2])
  }

  func testWithoutGuidanceTheNegativeIsAskedForWhatWeightsLeaveAlone() {
    let network = FirstState()
    func plain(_ parts: [(Condition, Float)]) -> [Float] {
      PromptPredictor(network, [(always(parts, against: text(2)), 1)], sampler: sampler)(
        .zeros([1, 1, 1, 1]), sampler.evaluation(0), .none
      ).values
    }
    XCTAssertEqual(plain([(text(5), 1)]), [5])
    XCTAssertEqual(plain([(text(5), 2)]), [2 + 2 * (5 - 2)])
    XCTAssertEqual(network.rows, [1, 2])
  }

  func testANegativePromptOfItsOwnStrengthIsABranch() {
    let network = FirstState()
    let stage = PromptConditions.Stage(
      lastStep: 1, parts: [(condition: text(5), weight: Float(1)), (condition: text(7), weight: Float(0.5))],
      unconditional: text(2), negatives: [text(3)])
    let predictor = PromptPredictor(
      network, [(PromptConditions(stages: [stage]), 2)], sampler: sampler
    ) { network, sides in
      NegativeGuidance(
        network, unconditional: sides.unconditional, negatives: sides.negatives, scale: 4, negativeScale: 2,
        composition: sides.composition)
    }
    let expected: Float = 2 + 4 * ((5 - 2) + 0.5 * (7 - 2)) - 2 * (3 - 2)
    XCTAssertEqual(
      predictor(.zeros([2, 1, 1, 1]), sampler.evaluation(0), .none).values, [expected, expected])
    XCTAssertEqual(network.rows, [8], "all sides in one batch")
  }

  func testPicturesOfDifferentPromptsAreToldTheirOwn() {
    // Of unlike lengths, which fit in no batch.
    let prompts = [
      (always([(text(5), 1)], against: text(2)), 2),
      (always([(text(7, length: 4), 1)], against: text(1, length: 4)), 1),
    ]
    XCTAssertEqual(predicted(prompts, scale: 2, Condition(labels: [0, 1, 2])), [8, 8, 13])
  }

  func testBetweenTwoPromptsLieTheirStates() throws {
    let (a, b) = (always([(text(5), 1)], against: text(2)), always([(text(9), 1)], against: text(4)))
    let between = try XCTUnwrap(PromptConditions.between(a, b, 0.25))
    XCTAssertEqual(predicted([(between, 1)], scale: 3), [2.5 + 3 * (6 - 2.5)])
    let changing = PromptConditions(stages: [
      .init(lastStep: 2, parts: [(condition: text(5), weight: Float(1))], unconditional: text(0)),
      .init(lastStep: 4, parts: [(condition: text(7), weight: Float(3))], unconditional: text(0)),
    ])
    let towards = try XCTUnwrap(
      PromptConditions.between(changing, always([(text(9), 1)], against: text(0)), 0.5))
    // Half of 5 and 9; then, at twice the weight, half of 7 and 9.
    XCTAssertEqual((0..<4).map { predicted([(towards, 1)], scale: 2, evaluation: $0)[0] }, [14, 14, 32, 32])
    XCTAssertNil(
      PromptConditions.between(a, always([(text(5), 1), (text(6), 1)], against: text(2)), 0.5),
      "one text and two have nothing between them")
  }

  func testTheTextChangesAfterItsStep() {
    let stages = PromptConditions(stages: [
      .init(lastStep: 2, parts: [(condition: text(5), weight: Float(1))], unconditional: text(0)),
      .init(lastStep: 4, parts: [(condition: text(7), weight: Float(1))], unconditional: text(1)),
    ])
    XCTAssertEqual((0..<4).map { predicted([(stages, 1)], scale: 2, evaluation: $0)[0] }, [10, 10, 13, 13])
  }
}
