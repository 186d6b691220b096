import Foundation
import TestSupport
import Text
import XCTest

/// What is wrong with a tokenizer's folder is said in one sentence with the file and the line.
final class TokenizerFolderTests: XCTestCase {
  private let vocabulary = #"{"a": 0, "b": 1, "ab": 2, "<|startoftext|>": 3, "<|endoftext|>": 4}"#

  func testAMergeOutOfTheVocabularyNamesItsLine() throws {
    try refuse(
      ["vocab.json": vocabulary, "merges.txt": "#version: 0.2\na b\nb a\n"],
      "merges.txt, line 3, merges 'b' and 'a', but 'ba' is not in the vocabulary.")
  }

  func testALineThatIsNoMergeIsNamed() throws {
    try refuse(
      ["vocab.json": vocabulary, "merges.txt": "#version: 0.2\na b b\n"],
      "merges.txt, line 2, is not a merge, two symbols with a space between: 'a b b'.")
    try refuse(
      ["vocab.json": vocabulary, "merges.txt": "#version: 0.2\n\nab\n"],
      "merges.txt, line 3, is not a merge, two symbols with a space between: 'ab'.")
  }

  func testBrokenJSONNamesItsLine() throws {
    try refuse(
      ["vocab.json": "{\n\"a\": 0,\n\"b\" 1}", "merges.txt": ""], "vocab.json, line 3, is not valid JSON.")
    try refuse(["tokenizer.json": "{"], "tokenizer.json, line 1, is not valid JSON.")
  }

  func testAVocabularyOfAnotherFormIsRefused() throws {
    try refuse(
      ["vocab.json": #"{"a": "b"}"#, "merges.txt": ""],
      "vocab.json is not a vocabulary (text: number): the value at 'a' is of another type.")
    try refuse(
      ["vocab.json": #"{"a": 1, "b": 1}"#, "merges.txt": ""],
      "vocab.json gives the number 1 to both 'a' and 'b'.")
    try refuse(
      ["vocab.json": #"{"a": -1}"#, "merges.txt": ""], "vocab.json gives 'a' the impossible number -1.")
  }

  func testMissingFilesAreNamed() throws {
    try refuse([:], "is no tokenizer's folder: it has neither tokenizer.json nor vocab.json and merges.txt.")
    try refuse(["vocab.json": vocabulary], "merges.txt does not exist; a tokenizer needs it.")
  }

  func testMarksOutOfTheVocabularyAreRefused() throws {
    try refuse(
      ["vocab.json": vocabulary, "merges.txt": "", "tokenizer_config.json": #"{"pad_token": "<pad>"}"#],
      "tokenizer_config.json has the pad_token '<pad>', which is not in the vocabulary.")
  }

  func testATokenizerOfAnotherKindIsRefused() throws {
    try refuse(
      ["tokenizer.json": #"{"model": {"type": "WordPiece", "vocab": {"a": 0}, "merges": []}}"#],
      "describes a tokenizer of another kind (WordPiece with the end of words marked ''); CLIP's is a BPE that marks them '</w>'."
    )
  }

  func testMergesWrittenAsOneTextAreRead() throws {
    let model =
      #"{"type": "BPE", "end_of_word_suffix": "</w>", "vocab": {"a": 0, "b</w>": 1, "ab</w>": 2, "<|startoftext|>": 3, "<|endoftext|>": 4}, "merges": ["a b</w>"]}"#
    let folder = try write(["tokenizer.json": #"{"model": \#(model)}"#])
    XCTAssertEqual(try CLIPTokenizer(folder: folder)("ab AB a"), [2, 2, 4])
  }

  func testWindowsLineEndsAreNoPartOfAMerge() throws {
    let folder = try write([
      "vocab.json": #"{"a": 0, "b</w>": 1, "ab</w>": 2, "<|startoftext|>": 3, "<|endoftext|>": 4}"#,
      "merges.txt": "#version: 0.2\r\na b</w>\r\n",
    ])
    XCTAssertEqual(try CLIPTokenizer(folder: folder)("ab"), [2])
  }

  private func write(_ files: [String: String]) throws -> URL {
    let folder = try temporaryFolder(for: self)
    for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
    return folder
  }

  private func refuse(_ files: [String: String], _ ending: String, line: UInt = #line) throws {
    let folder = try write(files)
    XCTAssertThrowsError(try CLIPTokenizer(folder: folder), line: line) {
      XCTAssert($0 is TokenizerError, "\($0)", line: line)
      XCTAssert("\($0)".hasSuffix(ending), "\($0)", line: line)
    }
  }
}
