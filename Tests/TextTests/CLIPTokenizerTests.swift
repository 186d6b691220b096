import Files
import Foundation
import TestSupport
import Text
import XCTest

/// Tokenizers against transformers' CLIPTokenizer, whose version stands in the fixtures' first lines.
final class CLIPTokenizerTests: XCTestCase {
  func testFiveThousandStringsAreTransformersTokens() throws {
    try compare("tokenizer/clip", count: 5000)
  }

  func testTokenizerJSONAloneWithAddedTokensAndUnknownBytes() throws {
    try compare("tokenizer/small", count: 400)
  }

  func testMarksAreThoseOfTheConfiguration() throws {
    let one = try CLIPTokenizer(folder: Fixtures.url("tokenizer/clip"))
    XCTAssertEqual([one.beginning, one.end, one.padding], [49406, 49407, 49407])
    XCTAssertEqual(one.vocabularySize, 49408)
    XCTAssertEqual(
      one.padded("a photo of a cat", length: 10),
      [49406, 320, 1125, 539, 320, 2368, 49407, 49407, 49407, 49407])
    XCTAssertEqual(one.padded("a photo of a cat", length: 5), [49406, 320, 1125, 539, 49407])
    XCTAssertEqual(one.text(of: 2368), "cat</w>")
    XCTAssertEqual(one.number(of: ",</w>"), 267)
    XCTAssertEqual(try CLIPTokenizer(folder: Fixtures.url("tokenizer/small")).padding, 0)
  }

  func testTextsThatLookAlikeAreOneOnlyWhereUnicodeSaysSo() throws {
    let tokenizer = try CLIPTokenizer(folder: Fixtures.url("tokenizer/clip"))
    XCTAssertEqual(tokenizer("e\u{301}"), tokenizer("\u{E9}"))
    // A composed syllable and a final consonant, which Foundation leaves apart.
    XCTAssertEqual(tokenizer("\u{AC00}\u{11A8}"), tokenizer("\u{AC01}"))
    XCTAssertNotEqual(tokenizer("\u{FB01}"), tokenizer("fi"))
    XCTAssertNotEqual(tokenizer("\u{131}"), tokenizer("i"))
  }

  func testAVocabularyThatAnEncoderHasNoEmbeddingsForIsRefused() throws {
    let tokenizer = try CLIPTokenizer(folder: Fixtures.url("tokenizer/clip"))
    XCTAssertNoThrow(try tokenizer.check(vocabularySize: 49408, of: "config.json"))
    XCTAssertThrowsError(try tokenizer.check(vocabularySize: 1000, of: "text_encoder/config.json")) {
      let sentence = "\($0)"
      XCTAssert(
        sentence.hasSuffix(
          "does not belong to its text encoder: it has tokens up to 49407, and text_encoder/config.json says vocab_size 1000."
        ), sentence)
    }
  }

  func testALongWordTakesNoTimeToSpeakOf() throws {
    let tokenizer = try CLIPTokenizer(folder: Fixtures.url("tokenizer/clip"))
    let tokens = tokenizer(String(repeating: "ha", count: 2500))
    XCTAssertGreaterThan(tokens.count, 0)
    XCTAssertLessThan(tokens.count, 2500)
  }

  private func compare(_ name: String, count: Int, line: UInt = #line) throws {
    let tokenizer = try CLIPTokenizer(folder: Fixtures.url(name))
    let cases = try TokenizedStrings(name)
    XCTAssertGreaterThanOrEqual(cases.all.count, count, line: line)
    for (text, tokens) in cases.all {
      let ours = [tokenizer.beginning] + tokenizer(text) + [tokenizer.end]
      XCTAssertEqual(ours, tokens, "\(text.debugDescription) (\(cases.program))", line: line)
    }
  }
}

/// `strings.txt` of a tokenizer's fixture.
struct TokenizedStrings {
  let program: String
  let all: [(text: String, tokens: [Int])]

  init(_ name: String) throws {
    let text = try String(contentsOf: Fixtures.url("\(name)/strings.txt"), encoding: .utf8)
    let lines = text.split(separator: "\n")
    program = String(lines[0])
    all = try lines.dropFirst().map { line in
      let parts = line.split(separator: "\t", maxSplits: 1)
      return (
        try JSONDecoder().decode(String.self, from: Data(parts[1].utf8)),
        parts[0].split(separator: " ").map { Int($0)! }
      )
    }
  }
}
