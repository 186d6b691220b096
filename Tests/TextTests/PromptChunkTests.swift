import TestSupport
import Text
import XCTest

/// Chunks of 75 tokens, as A1111 fills them, and diffusers' one.
final class PromptChunkTests: XCTestCase {
  private let beginning = 49406, end = 49407, a = 320, cat = 2368, comma = 267

  private func chunks(_ text: String, _ syntax: PromptSyntax = .a1111) throws -> [PromptChunk] {
    try PromptChunk.chunks(
      of: text, CLIPTokenizer(folder: Fixtures.url("tokenizer/clip")), length: 77, syntax)
  }

  func testWeightsStandBesideTheirTokens() throws {
    let chunks = try chunks("a (cat:1.5), [a]")
    XCTAssertEqual(chunks.count, 1)
    XCTAssertEqual(chunks[0].count, 4)
    XCTAssertEqual(chunks[0].tokens, [beginning, a, cat, comma, a] + Array(repeating: end, count: 72))
    XCTAssertEqual(chunks[0].weights, [1, 1, 1.5, 1, Float(1 / 1.1)] + Array(repeating: 1, count: 72))
  }

  func testNothingIsOneChunkOfPadding() throws {
    let chunks = try chunks("")
    XCTAssertEqual(chunks.map(\.tokens), [[beginning] + Array(repeating: end, count: 76)])
    XCTAssertEqual(chunks[0].count, 0)
    XCTAssertEqual(
      chunks[0], PromptChunk.empty(try CLIPTokenizer(folder: Fixtures.url("tokenizer/clip")), length: 77))
  }

  func testABreakFillsItsChunk() throws {
    let chunks = try chunks("a BREAK cat")
    XCTAssertEqual(chunks.map(\.count), [1, 1])
    XCTAssertEqual(chunks[1].tokens.prefix(3), [beginning, cat, end])
    XCTAssertEqual(try self.chunks("BREAK cat").map(\.count), [0, 1])
  }

  func testAFullChunkIsFollowedByAnother() throws {
    let words = Array(repeating: "cat", count: 76).joined(separator: " ")
    let chunks = try chunks(words)
    XCTAssertEqual(chunks.map(\.count), [75, 1])
    XCTAssertEqual(chunks.map(\.tokens.count), [77, 77])
    XCTAssertEqual(
      try self.chunks(Array(repeating: "cat", count: 75).joined(separator: " ")).map(\.count), [75])
  }

  func testWhatFollowsACommaNearTheEndMovesOn() throws {
    func text(_ before: Int, _ after: Int) -> String {
      Array(repeating: "cat", count: before).joined(separator: " ") + ", "
        + Array(repeating: "a", count: after).joined(separator: " ")
    }
    // 60 and a comma leave 14 places; the 15th moves all of them.
    XCTAssertEqual(try chunks(text(60, 14)).map(\.count), [75])
    let moved = try chunks(text(60, 15))
    XCTAssertEqual(moved.map(\.count), [61, 15])
    XCTAssertEqual(moved[1].tokens[1..<16], ArraySlice(Array(repeating: a, count: 15)))
    // 20 tokens from the comma to the end are near enough, 21 are not.
    XCTAssertEqual(try chunks(text(55, 20)).map(\.count), [56, 20])
    XCTAssertEqual(try chunks(text(54, 21)).map(\.count), [75, 1])
  }

  func testPaddingFollowsTheFirstEnd() throws {
    let small = try CLIPTokenizer(folder: Fixtures.url("tokenizer/small"))
    let chunk = try PromptChunk.chunks(of: "a", small, length: 6, .a1111)[0]
    XCTAssertEqual(chunk.tokens, [small.beginning] + small("a") + [small.end, 0, 0, 0])
    XCTAssertEqual(try PromptChunk.chunks(of: "a", small, length: 6, .plain)[0].tokens, chunk.tokens)
  }

  func testPlainIsCutAndReadsNoSigns() throws {
    let chunks = try chunks("(cat) " + Array(repeating: "cat", count: 80).joined(separator: " "), .plain)
    XCTAssertEqual(chunks.count, 1)
    XCTAssertEqual(chunks[0].tokens.prefix(5), [beginning, 263, cat, 264, cat])
    XCTAssertEqual(chunks[0].tokens[75...], [cat, end])
    XCTAssertEqual(Set(chunks[0].weights), [1])
  }
}
