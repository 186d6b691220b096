import Models
import TensorCore
import XCTest

final class ConditionTests: XCTestCase {
  private func condition(_ count: Int, from first: Int = 0, tokens: Int = 3) -> Condition {
    /// Values that tell row, part and place.
    func tensor(_ part: Int, _ shape: [Int]) -> Tensor {
      let size = shape.reduce(1, *)
      return Tensor(
        (0..<count).flatMap { n in (0..<size).map { Float(1000 * (first + n) + 100 * part + $0) } },
        shape: [count] + shape)
    }
    return Condition(
      labels: Array(first..<first + count),
      text: TextStates(tensor(0, [tokens, 2]), mask: tensor(1, [tokens])),
      tokens: (first..<first + count).map { n in (0..<tokens).map { 10 * n + $0 } },
      pooledText: tensor(2, [4]),
      sizes: tensor(3, [6]),
      control: ControlResiduals(
        blocks: [tensor(4, [2, 4, 4]), tensor(5, [2, 2, 2])], middle: tensor(6, [2, 1, 1])),
      channels: tensor(7, [1, 4, 4]))
  }

  private func values(_ c: Condition) -> [[Float]] {
    let numbers = [c.labels ?? []] + (c.tokens ?? [])
    let tensors = [
      c.text?.states, c.text?.mask, c.pooledText, c.sizes, c.control?.middle, c.channels,
    ].map { $0?.values ?? [] }
    let blocks = c.control?.blocks.map(\.values) ?? []
    return numbers.map { $0.map(Float.init) } + tensors + blocks
  }

  func testRowsHoldEveryPart() {
    let rows = condition(4).rows(1..<3)
    XCTAssertEqual(values(rows), values(condition(2, from: 1)))
    XCTAssertEqual(rows.text?.states.shape, [2, 3, 2])
    XCTAssertEqual(rows.control?.blocks.map(\.shape), [[2, 2, 4, 4], [2, 2, 2, 2]])
  }

  func testStackedPartsAreTheWhole() {
    let parts = [condition(1), condition(2, from: 1), condition(1, from: 3)]
    XCTAssertEqual(values(.stacked(parts)), values(condition(4)))
    XCTAssertEqual(values(condition(1, from: 2).repeated(3).rows(1..<2)), values(condition(1, from: 2)))
  }

  func testNothingStaysNothing() {
    let none = Condition.stacked([.none, .none]).rows(0..<1)
    XCTAssertTrue(values(none).allSatisfy(\.isEmpty))
    XCTAssertNil(none.control)
    XCTAssertNil(none.text)
  }

  func testOnlyLikePartsStack() {
    XCTAssertTrue(condition(1).isStackable(with: condition(3)))
    XCTAssertFalse(condition(1).isStackable(with: condition(1, tokens: 4)), "texts of two lengths")
    XCTAssertFalse(condition(1).isStackable(with: Condition(labels: [0])))
    XCTAssertFalse(Condition.none.isStackable(with: Condition(labels: [0])))
  }

  func testBetweenTwoConditionsLieMixedTensorsAndBlendedClasses() {
    var (a, b) = (condition(2), condition(2, from: 4))
    (a.tokens, b.tokens) = (nil, nil)
    let between = Condition.between(a, b, 0.25)
    XCTAssertEqual(between.labels, [0, 1])
    XCTAssertEqual(between.blend, ClassBlend(labels: [4, 5], shares: [0.25, 0.25]))
    // Values tell their row by thousands, and b's rows are four on.
    XCTAssertEqual(between.text?.states.values, a.text?.states.values.map { $0 + 1000 })
    XCTAssertEqual(between.pooledText?.values, a.pooledText?.values.map { $0 + 1000 })
    XCTAssertEqual(values(.between(a, b, 0)), values(a))
    XCTAssertEqual(values(.between(a, b, 1)), values(b))
    XCTAssertNil(Condition.between(a, b, 1).blend)
  }

  /// A row without a blend, such as one for no class beside which guidance asks, is told its class alone.
  func testRowsWithBlendsStackWithRowsWithout() {
    let blended = Condition.between(Condition(labels: [1]), Condition(labels: [2]), 0.5)
    let all = Condition.stacked([Condition(labels: [8]), blended])
    XCTAssertEqual(all.labels, [8, 1])
    XCTAssertEqual(all.blend, ClassBlend(labels: [8, 2], shares: [0, 0.5]))
    XCTAssertEqual(all.rows(1..<2).blend, blended.blend)
    XCTAssertEqual(all.blend?.labels.count, all.labels?.count)
  }

  func testChannelsFollowThePictures() {
    let x = Tensor([1, 2], shape: [1, 1, 1, 2])
    XCTAssertEqual(
      Condition(channels: Tensor([3, 4], shape: [1, 1, 1, 2])).joined(to: x).values, [1, 2, 3, 4])
    XCTAssertEqual(Condition.none.joined(to: x).values, [1, 2])
  }
}
