import TestSupport
import Text
import XCTest

/// A1111's syntax: the examples that its prompt parser publishes, and what its wiki says.
final class PromptTests: XCTestCase {
  private func assertStretches(_ prompt: String, _ expected: [(String, Double)], line: UInt = #line) throws {
    let actual = try WeightedText.stretches(of: prompt)
    XCTAssertEqual(actual.map { $0.isBreak ? "BREAK" : $0.text }, expected.map(\.0), prompt, line: line)
    for (ours, theirs) in zip(actual, expected) {
      XCTAssertEqual(ours.weight, theirs.1, accuracy: 1e-12, prompt, line: line)
    }
  }

  private func assertSpans(_ prompt: String, _ expected: [(Int, String)], line: UInt = #line) {
    XCTAssertEqual(
      PromptSchedule(prompt, steps: 10).spans, expected.map { .init(lastStep: $0.0, text: $0.1) }, prompt,
      line: line)
  }

  func testWeights() throws {
    try assertStretches("normal text", [("normal text", 1)])
    try assertStretches("an (important) word", [("an ", 1), ("important", 1.1), (" word", 1)])
    try assertStretches("(unbalanced", [("unbalanced", 1.1)])
    try assertStretches(#"\(literal\]"#, [("(literal]", 1)])
    try assertStretches("(unnecessary)(parens)", [("unnecessaryparens", 1.1)])
    try assertStretches(
      "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).",
      [
        ("a ", 1), ("house", 1.573), (" ", 1.1), ("on", 1), (" a ", 1.1), ("hill", 0.55), (", sun, ", 1.1),
        ("sky", 1.4641), (".", 1.1),
      ])
    try assertStretches("", [("", 1)])
    try assertStretches("[[x]] y)", [("x", 1 / 1.21), (" y)", 1)])
    try assertStretches("(a: 1.5 ) :2) b:c", [("a", 1.5), (" :2) b:c", 1)])
    try assertStretches("(a:-1)(b:.5)(c:2.)", [("a", -1), ("b", 0.5), ("c", 2)])
    try assertStretches(#"a\b\\c"#, [(#"ab\c"#, 1)])
  }

  func testBreaksStandBetweenStretchesAndCarryNoWeight() throws {
    try assertStretches("a BREAK b", [("a", 1), ("BREAK", 1), ("b", 1)])
    try assertStretches("(a BREAK b:2)", [("a", 2), ("BREAK", 1), ("b", 2)])
    try assertStretches("BREAKFAST aBREAK", [("BREAKFAST aBREAK", 1)])
    try assertStretches("a,BREAK\nBREAK b", [("a,", 1), ("BREAK", 1), ("", 1), ("BREAK", 1), ("b", 1)])
  }

  func testAWeightThatIsNoNumberIsNamed() {
    XCTAssertThrowsError(try WeightedText.stretches(of: "(a:1.2.3)")) {
      XCTAssertEqual(
        "\($0)", "The prompt gives the weight '1.2.3', which is not a number; a weight is written (word:1.3)."
      )
    }
    XCTAssertThrowsError(try Prompt("x [a:(b:..):5]", .a1111, steps: 10))
    XCTAssertNoThrow(try Prompt("(a:1.2.3)", .plain, steps: 10))
  }

  func testChangesOnTheWay() {
    assertSpans("test", [(10, "test")])
    assertSpans("a [b:3]", [(3, "a "), (10, "a b")])
    assertSpans("a [b: 3]", [(3, "a "), (10, "a b")])
    assertSpans("a [[[b]]:2]", [(2, "a "), (10, "a [[b]]")])
    assertSpans("[(a:2):3]", [(3, ""), (10, "(a:2)")])
    assertSpans("a [b : c : 1] d", [(1, "a b  d"), (10, "a  c  d")])
    assertSpans("a[b:[c:d:2]:1]e", [(1, "abe"), (2, "ace"), (10, "ade")])
    assertSpans("a [unbalanced", [(10, "a [unbalanced")])
    assertSpans("a [b:.5] c", [(5, "a  c"), (10, "a b c")])
    assertSpans("((a][:b:c [d:3]", [(3, "((a][:b:c "), (10, "((a][:b:c d")])
    assertSpans("[a::3]", [(3, "a"), (10, "")])
    assertSpans("[a:b:0.25 ]", [(2, "a"), (10, "b")])
    assertSpans("[a:b:12]", [(10, "a")])
    assertSpans("[a:b:-1]", [(10, "b")])
    assertSpans("[a:b:1.0]", [(10, "a")])
    assertSpans(#"\[a:b:3\]"#, [(10, #"\[a:b:3\]"#)])
    assertSpans("[a:b:c:3]", [(10, "[a:b:c:3]")])
    assertSpans("[a:b:0x3]", [(10, "[a:b:0x3]")])
  }

  func testTurns() {
    assertSpans("[a|(b:1.1)]", (1...10).map { ($0, $0 % 2 == 1 ? "a" : "(b:1.1)") })
    assertSpans("[fe|]male", (1...10).map { ($0, $0 % 2 == 1 ? "female" : "male") })
    assertSpans("[fe|||]male", (1...10).map { ($0, $0 % 4 == 1 ? "female" : "male") })
    assertSpans("[a|[b:c:3]]", (1...10).map { ($0, $0 % 2 == 1 ? "a" : $0 <= 3 ? "b" : "c") })
    // A bar elsewhere is not of the grammar, and the prompt is then taken as it stands.
    assertSpans("a | [b:3]", [(10, "a | [b:3]")])
    XCTAssertEqual(PromptSchedule("[a|b]", steps: 4).text(at: 3), "a")
  }

  func testDeepBracketsEndInTextInsteadOfTheStack() {
    let deep = String(repeating: "[", count: 50_000)
    assertSpans(deep + "x", [(10, deep + "x")])
    let closed = String(repeating: "(", count: 50_000) + "x" + String(repeating: ")", count: 50_000)
    assertSpans(closed, [(10, closed)])
  }

  func testComposition() throws {
    func parts(_ prompt: String) throws -> [String] {
      try Prompt(prompt, .a1111, steps: 10).parts.map { "\($0.weight) \($0.schedule.text(at: 1))" }
    }
    XCTAssertEqual(try parts("a cat"), ["1.0 a cat"])
    XCTAssertEqual(
      try parts("a cat :1.2 AND a dog AND a penguin :2.2"), ["1.2 a cat", "1.0  a dog", "2.2  a penguin"])
    XCTAssertEqual(try parts("sky AND fog:-.5 "), ["1.0 sky", "-0.5  fog"])
    XCTAssertEqual(try parts("BANDANA SANDAND"), ["1.0 BANDANA SANDAND"])
    XCTAssertEqual(try parts("(cat:1.2)"), ["1.0 (cat:1.2)"])
    let negative = try Prompt("a AND b:2", .a1111, isNegative: true, steps: 10)
    XCTAssertEqual(negative.parts.map(\.schedule.spans[0].text), ["a AND b:2"])
    let plain = try Prompt("a AND [b:c:2]", .plain, steps: 10)
    XCTAssertEqual(plain.parts.map(\.schedule.spans), [[.init(lastStep: 10, text: "a AND [b:c:2]")]])
  }
}
