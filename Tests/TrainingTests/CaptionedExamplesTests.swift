import Models
import NN
import TensorCore
import TestSupport
import Training
import XCTest

/// Which caption a network is told of a picture at a visit.
final class CaptionedExamplesTests: XCTestCase {
  private func examples(
    _ captions: [String], shufflesTags: Bool = false, seed: UInt64 = 0
  ) throws -> CaptionedExamples {
    let folder = try temporaryFolder(for: self)
    try ShapesDataset(count: 1, size: 16).write(to: folder)
    let store = PictureStore(try ImageFolder(folder), resolution: 16, crop: .center)
    let reader = LearningReader(captions: captions, vocabularySize: 600, width: 32)
    return CaptionedExamples(
      store, captions: [captions], reader, shufflesTags: shufflesTags, seed: seed)
  }

  func testOneOfSeveralIsDrawnAtEachVisit() throws {
    let captions = ["a dog", "a hound", "an animal"]
    let examples = try examples(captions)
    XCTAssertEqual(examples.caption(0, visit: nil), "a dog")
    let drawn = (0..<300).map { examples.caption(0, visit: $0) }
    for caption in captions { XCTAssertTrue(70...130 ~= drawn.count { $0 == caption }, caption) }
    // A visit's caption is its own, whatever was asked before.
    XCTAssertEqual((0..<300).reversed().map { examples.caption(0, visit: $0) }, drawn.reversed())
    let others = try self.examples(captions, seed: 1)
    XCTAssertNotEqual((0..<300).map { others.caption(0, visit: $0) }, drawn)
  }

  func testTagsAreShuffledAndNoneIsLost() throws {
    let tags = ["red", "a star", "night", "snow"]
    let examples = try examples([tags.joined(separator: ", ") + ","], shufflesTags: true)
    let drawn = (0..<200).map { examples.caption(0, visit: $0) }
    for caption in drawn { XCTAssertEqual(caption.components(separatedBy: ", ").sorted(), tags.sorted()) }
    XCTAssertEqual(Set(drawn).count, 24)
    XCTAssertEqual(examples.caption(0, visit: nil), "red, a star, night, snow,")
  }

  func testTheEncoderHasRoomForTheLongestCaption() throws {
    let captions = ["a b", (0..<25).map { _ in "b" }.joined(separator: " ")]
    let reader = LearningReader(captions: captions, vocabularySize: 600, width: 32)
    XCTAssertEqual(reader.config.maxPositionEmbeddings, 32)
    let tokens = try XCTUnwrap(reader.condition(of: captions[1]).tokens)[0]
    XCTAssertEqual(tokens.count, 32)
    XCTAssertEqual(tokens[26], reader.config.eosTokenID)
    XCTAssertEqual(tokens[0], reader.config.bosTokenID)
  }
}
