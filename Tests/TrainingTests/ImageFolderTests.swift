import Foundation
import Pictures
import Training
import XCTest

/// A folder of small pictures that goes away with its test.
final class ScratchFolder {
  let url: URL

  init(_ test: XCTestCase) throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("folder-\(UUID().uuidString)")
    self.url = url
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    test.addTeardownBlock { try? FileManager.default.removeItem(at: url) }
  }

  /// The next picture is unlike all before it.
  private var shade: UInt8 = 0

  func picture(_ path: String, width: Int = 32, height: Int = 32) throws {
    shade += 1
    try picture(path, Picture(width: width, height: height, color: RGB(shade, 0, 0)))
  }

  func picture(_ path: String, _ picture: Picture) throws {
    let isJPEG = path.hasSuffix("jpg")
    try file(path, isJPEG ? picture.jpegData() : picture.pngData())
  }

  func text(_ path: String, _ text: String) throws { try file(path, Data(text.utf8)) }

  func file(_ path: String, _ data: Data) throws {
    let place = url.appendingPathComponent(path)
    try FileManager.default.createDirectory(
      at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
    try data.write(to: place)
  }
}

final class ImageFolderTests: XCTestCase {
  func testListsRecursivelyInOrderOfBytes() throws {
    let scratch = try ScratchFolder(self)
    for path in [
      "b.png", "a/z.JPG", "a/B.jpeg", "É.png", "a.png", "a/deep/x.png", ".hidden.png", ".git/y.png",
    ] {
      try scratch.picture(path)
    }
    try scratch.text("notes.md", "no picture")
    try scratch.text("photo.webp", "RIFF")
    let folder = try ImageFolder(scratch.url)
    XCTAssertEqual(
      folder.items.map(\.path), ["a.png", "a/B.jpeg", "a/deep/x.png", "a/z.JPG", "b.png", "É.png"])
    XCTAssertEqual(folder.foreignFiles, ["photo.webp"])
    XCTAssertTrue(folder.items.allSatisfy { $0.classIndex == nil })
  }

  func testFoldersAreClasses() throws {
    let scratch = try ScratchFolder(self)
    for path in ["dog/1.png", "cat/1.png", "cat/more/2.png", "stray.png"] { try scratch.picture(path) }
    try scratch.text("empty/readme.txt", "nothing here")
    let folder = try ImageFolder(scratch.url, classes: .folders)
    XCTAssertEqual(folder.classes, ["cat", "dog"])
    XCTAssertEqual(folder.items.map(\.classIndex), [0, 0, 1])
    XCTAssertEqual(folder.strayFiles, ["stray.png"])
    XCTAssertEqual(folder.excluding(["dog/1.png"]).classes, ["cat", "dog"])
  }

  func testCaptions() throws {
    let scratch = try ScratchFolder(self)
    for path in ["a.png", "b.png", "c.png", "d.png", "sub/e.png"] { try scratch.picture(path) }
    try scratch.text("a.txt", " a first text\n")
    try scratch.text("b.caption", "a second")
    try scratch.text("c.txt", "overruled")
    try scratch.text(
      "metadata.jsonl", #"{"file_name": "c.png", "text": "a \"third\", 猫", "more": [1]}"# + "\n\n")
    try scratch.text("sub/metadata.jsonl", #"{"file_name":"e.png","text":"deep"}"# + "\r\n")
    let folder = try ImageFolder(scratch.url)
    XCTAssertEqual(
      folder.items.map(\.caption), ["a first text", "a second", "a \"third\", 猫", nil, "deep"])
  }

  func testLinkToParentEnds() throws {
    let scratch = try ScratchFolder(self)
    try scratch.picture("a/1.png")
    try FileManager.default.createSymbolicLink(
      at: scratch.url.appendingPathComponent("a/loop"), withDestinationURL: scratch.url)
    XCTAssertEqual(try ImageFolder(scratch.url).items.count, 1)
  }

  func testErrors() throws {
    let scratch = try ScratchFolder(self)
    func sentence(_ path: String = "", classes: ImageFolder.Classes = .none) -> String {
      do {
        _ = try ImageFolder(scratch.url.appendingPathComponent(path), classes: classes)
        return "nothing was thrown"
      } catch { return error.description }
    }
    XCTAssertTrue(sentence("none").contains("does not exist; check the path"))
    XCTAssertTrue(sentence().contains("holds no .png, .jpg or .jpeg file"))
    try scratch.picture("a.png")
    XCTAssertTrue(sentence("a.png").contains("is a file; name the folder"))
    XCTAssertTrue(sentence(classes: .folders).contains("no sub-folders with pictures"))
  }

  /// One bad line hides neither the others nor the captions of the rest.
  func testFlawsOfMetadataAreCollected() throws {
    let scratch = try ScratchFolder(self)
    for path in ["a.png", "b.png", "sub/c.png"] { try scratch.picture(path) }
    let lines = [
      #"{"file_name": "a.png", "text": "good"}"#, "oops", #"{"text": "a"}"#, #"{"file_name": 3}"#, "[]",
      #"{"file_name": "b.png", "text": {"en": "b"}}"#, #"{"file_name": null}"#,
      #"{"file_name": "./b.png", "text": "b"}"#,
    ]
    try scratch.text("metadata.jsonl", lines.joined(separator: "\n"))
    try scratch.text("sub/metadata.jsonl", #"{"file_name": "c.png", "text": "c""#)
    let folder = try ImageFolder(scratch.url)
    XCTAssertEqual(
      folder.metadataFlaws.map { "\($0.path) \($0.line ?? 0): \($0.reason)" },
      [
        "metadata.jsonl 2: it is no JSON object",
        "metadata.jsonl 3: \"file_name\" is missing",
        "metadata.jsonl 4: \"file_name\" is no text",
        "metadata.jsonl 5: it is no JSON object",
        "metadata.jsonl 6: \"text\" is neither a text nor a list of texts",
        "metadata.jsonl 7: \"file_name\" is missing",
        "sub/metadata.jsonl 1: it is no JSON object",
      ])
    XCTAssertEqual(folder.items.map(\.caption), ["good", "b", nil])
  }

  func testSeveralCaptionsAndWhoLacksOne() throws {
    let scratch = try ScratchFolder(self)
    for path in ["a.png", "b.png", "c.png", "d.png", "e.png"] { try scratch.picture(path) }
    try scratch.text("a.txt", "one\n\n  two \r\nthree")
    try scratch.text("b.txt", " \n")
    try scratch.text("b.caption", "from the caption file")
    try scratch.text("c.txt", "overruled")
    let lines = [
      #"{"file_name": "c.png", "text": ["first", " second ", ""]}"#,
      #"{"file_name": "c.png", "text": "third"}"#, #"{"file_name": "a.png", "text": ""}"#,
      #"{"file_name": "d.png", "text": null}"#,
    ]
    try scratch.text("metadata.jsonl", lines.joined(separator: "\n"))
    func captions(_ source: ImageFolder.CaptionSource) throws -> [[String]] {
      try ImageFolder(scratch.url, captions: source).items.map(\.captions)
    }
    let beside = ["one", "two", "three"]
    let listed = ["first", "second", "third"]
    XCTAssertEqual(try captions(.any), [beside, ["from the caption file"], listed, [], []])
    XCTAssertEqual(try captions(.metadata), [[], [], listed, [], []])
    XCTAssertEqual(try captions(.sidecar), [beside, ["from the caption file"], ["overruled"], [], []])
    let folder = try ImageFolder(scratch.url)
    XCTAssertEqual(folder.uncaptioned, ["d.png", "e.png"])
    XCTAssertEqual(folder.metadataFlaws, [])
    XCTAssertEqual(folder.excluding(["d.png"]).uncaptioned, ["e.png"])
  }
}
