import Models
import Pipelines
import Schedulers
import TensorCore
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
    let guided = ClassifierFreeGuidance(label, unconditional: Condition(labels: [1, 1]), scale: 2.5)
    let said = guided(.zeros([2, 1, 1, 2]), evaluation, Condition(labels: [3, 5]))
    XCTAssertEqual(said.values, [6, 6, 11, 11])
    XCTAssertEqual(label.calls, [4], "both sides in one batch")
  }

  func testTheOtherSideIsNotAskedAtScale1() {
    let label = Label()
    let guided = ClassifierFreeGuidance(label, unconditional: Condition(labels: [1]), scale: 1)
    XCTAssertEqual(guided(.zeros([1, 1, 1, 2]), evaluation, Condition(labels: [3])).values, [3, 3])
    XCTAssertEqual(label.calls, [1])
  }

  func testSidesThatFitInNoBatchAreAskedInTurn() {
    let label = Label()
    let guided = ClassifierFreeGuidance(
      label, unconditional: Condition(labels: [1], text: TextStates(.zeros([1, 2, 4]))), scale: 2)
    let condition = Condition(labels: [3], text: TextStates(.zeros([1, 7, 4])))
    XCTAssertEqual(guided(.zeros([1, 1, 1, 2]), evaluation, condition).values, [5, 5])
    XCTAssertEqual(label.calls, [1, 1])
  }
}
