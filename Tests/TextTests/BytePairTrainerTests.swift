import Foundation
import TestSupport
import Text
import XCTest

/// Training a tokenizer, against the textbook's loop in `make_tokenizer.py`.
final class BytePairTrainerTests: XCTestCase {
  private func captions() throws -> [String] {
    try String(contentsOf: Fixtures.url("tokenizer/trained/captions.txt"), encoding: .utf8)
      .split(separator: "\n").map(String.init)
  }

  func testMergesAreTheTextbooks() throws {
    let folder = try temporaryFolder(for: self)
    let trained = BytePairTrainer.train(try captions(), vocabularySize: 600)
    try trained.write(to: folder, length: 77)
    let expected = Fixtures.url("tokenizer/trained")
    for name in ["merges.txt", "vocab.json"] {
      XCTAssertEqual(
        try String(contentsOf: folder.appending(path: name), encoding: .utf8),
        try String(contentsOf: expected.appending(path: name), encoding: .utf8), name)
    }
  }

  func testWhatWasTrainedIsTransformersTokenizerBeforeAndAfterWriting() throws {
    let trained = BytePairTrainer.train(try captions(), vocabularySize: 600)
    let folder = try temporaryFolder(for: self)
    try trained.write(to: folder, length: 77)
    let reread = try CLIPTokenizer(folder: folder)
    XCTAssertEqual(reread.vocabularySize, trained.vocabularySize)
    for (text, tokens) in try TokenizedStrings("tokenizer/trained").all {
      for tokenizer in [trained.tokenizer, reread] {
        XCTAssertEqual([tokenizer.beginning] + tokenizer(text) + [tokenizer.end], tokens, text)
      }
    }
  }

  func testTheOrderOfCaptionsDoesNotMatter() throws {
    let captions = try captions()
    let (one, other) = (try temporaryFolder(for: self), try temporaryFolder(for: self))
    try BytePairTrainer.train(captions, vocabularySize: 560).write(to: one, length: 77)
    try BytePairTrainer.train(captions.reversed(), vocabularySize: 560).write(to: other, length: 77)
    for name in ["merges.txt", "vocab.json", "tokenizer_config.json"] {
      XCTAssertEqual(
        try Data(contentsOf: one.appending(path: name)), try Data(contentsOf: other.appending(path: name)),
        name)
    }
  }

  func testPairsMetOnceAreNotLearned() {
    let trained = BytePairTrainer.train(["abc abc xyz"], vocabularySize: 1000)
    // "abc" takes two merges; what stands once stays in bytes.
    XCTAssertEqual(trained.vocabularySize, 512 + 2 + 2)
    XCTAssertEqual(trained.tokenizer("abc").count, 1)
    XCTAssertEqual(trained.tokenizer("xyz").count, 3)
    XCTAssertEqual(BytePairTrainer.train([], vocabularySize: 1000).vocabularySize, 514)
  }
}
