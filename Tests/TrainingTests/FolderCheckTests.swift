import Foundation
import Pictures
import Training
import XCTest

final class FolderCheckTests: XCTestCase {
  private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures/pictures")

  private func fixture(_ name: String) throws -> Data {
    try Data(contentsOf: Self.fixtures.appendingPathComponent(name))
  }

  /// One of everything that goes wrong in real folders.
  private func badFolder() throws -> ScratchFolder {
    let scratch = try ScratchFolder(self)
    try scratch.picture("good.png")
    try scratch.file("copy.png", Data(contentsOf: scratch.url.appendingPathComponent("good.png")))
    try scratch.file("cut.png", fixture("rgb8.png").dropLast(40))
    try scratch.file("cut.jpg", fixture("ycc420.jpg").dropLast(40))
    try scratch.file("really-jpeg.png", fixture("ycc444.jpg"))
    try scratch.file("zero.png", Data())
    try scratch.text("error-page.jpg", "<html>404</html>")
    try scratch.picture("dot.png", width: 1, height: 1)
    try scratch.picture("strip.png", width: 60_000, height: 10)
    try scratch.picture("flat.png", width: 200, height: 40)
    try scratch.file("alpha.png", fixture("rgba8.png"))
    try scratch.file("grey.jpg", fixture("grey.jpg"))
    try scratch.file("turned.jpg", fixture("exif6.jpg"))
    try scratch.text("later.webp", "RIFF")
    try scratch.text(
      "metadata.jsonl",
      #"{"file_name": "lost.png", "text": "gone"}"# + "\noops\n"
        + #"{"file_name": "good.png", "text": "good"}"#)
    return scratch
  }

  func testNamesEveryProblem() throws {
    let folder = try ImageFolder(badFolder().url)
    let check = FolderCheck(folder, resolution: 32)
    let problems = Dictionary(grouping: check.findings, by: \.path).mapValues { $0.map(\.problem) }
    func cause(_ path: String) -> PictureError.Cause? {
      guard case .undecodable(let error) = problems[path]?.first else { return nil }
      return error.cause
    }
    XCTAssertEqual(cause("cut.png"), .truncated(format: .png))
    XCTAssertEqual(cause("cut.jpg"), .truncated(format: .jpeg))
    XCTAssertEqual(cause("zero.png"), .empty)
    XCTAssertEqual(cause("error-page.jpg"), .text)
    XCTAssertEqual(cause("strip.png"), .tooLarge(width: 60_000, height: 10, limits: PictureLimits()))
    XCTAssertEqual(problems["really-jpeg.png"]?.first, .mislabelled(actually: .jpeg))
    XCTAssertEqual(
      problems["metadata.jsonl"], [.badMetadata(line: 2, reason: "it is no JSON object")])
    XCTAssertEqual(problems["dot.png"], [.tooSmall(width: 1, height: 1), .uncaptioned])
    XCTAssertEqual(problems["flat.png"], [.extremeAspect(width: 200, height: 40), .uncaptioned])
    XCTAssertEqual(problems["alpha.png"], [.small(width: 13, height: 9), .alpha, .uncaptioned])
    XCTAssertEqual(problems["grey.jpg"], [.small(width: 40, height: 24), .grey, .uncaptioned])
    XCTAssertEqual(
      problems["turned.jpg"], [.small(width: 40, height: 24), .rotated(.turnedLeft), .uncaptioned])
    XCTAssertEqual(problems["good.png"], [.duplicate(of: "copy.png", inOtherClass: false)])
    XCTAssertEqual(problems["lost.png"], [.missing])
    XCTAssertEqual(problems["later.webp"], [.foreignFormat])
    XCTAssertEqual(problems["copy.png"], [.uncaptioned])
    XCTAssertTrue(check.hasErrors)
    XCTAssertEqual(
      check.usableFolder.items.map(\.path),
      ["alpha.png", "copy.png", "flat.png", "good.png", "grey.jpg", "really-jpeg.png", "turned.jpg"])
  }

  /// Names as other systems leave them are printed as one line of text, and a name that is none is said to be the reason.
  func testOddNames() throws {
    let scratch = try ScratchFolder(self)
    for name in ["two\nlines.png", "an \u{1B}[31morder.png", "ünï 猫 😀.png"] { try scratch.file(name, Data()) }
    let path = Array(scratch.url.path.utf8) + Array("/bad".utf8) + [0xFF] + Array(".png".utf8) + [0]
    let descriptor = path.withUnsafeBytes {
      open($0.baseAddress!.assumingMemoryBound(to: CChar.self), O_CREAT | O_WRONLY, 0o644)
    }
    close(descriptor)
    let report = FolderCheck(try ImageFolder(scratch.url), resolution: 16).report()
    for line in [
      #"    two\u{000A}lines.png"#, #"    an \u{001B}[31morder.png"#, "    ünï 猫 😀.png",
      "    bad\u{FFFD}.png (its name is no text in UTF-8; rename it)",
    ] { XCTAssertTrue(report.contains(line + "\n"), "\(line) in \(report)") }
  }

  func testReport() throws {
    let scratch = try ScratchFolder(self)
    for path in ["cat/1.png", "cat/2.png", "dog/1.png"] { try scratch.picture(path) }
    try scratch.file("dog/2.png", Data())
    try scratch.file("dog/3.png", Data(contentsOf: scratch.url.appendingPathComponent("cat/1.png")))
    let folder = try ImageFolder(scratch.url, classes: .folders)
    let report = FolderCheck(folder, resolution: 64).report(filesPerKind: 2)
    XCTAssertEqual(
      report,
      """
      \(scratch.url.relativePath): 5 pictures, 2 classes (cat 2, dog 3), all 32×32

      Errors, to be mended before training:
        Empty files (0 bytes): 1
          dog/2.png

      Notes:
        Duplicates, pixel for pixel: 1
          dog/3.png (as cat/1.png, in another class)
        Smaller than 64 pixels (will be enlarged): 4
          cat/1.png (32×32)
          cat/2.png (32×32)
          … and 2 more

      Not fit for training: 1 file to be mended or removed.
      """)
  }

  /// With what is bad left out, the report says what and goes on.
  func testReportOfWhatIsLeftOut() throws {
    let scratch = try ScratchFolder(self)
    for path in ["cat/1.png", "dog/1.png"] { try scratch.picture(path) }
    try scratch.file("owl/1.png", Data())
    try scratch.text("metadata.jsonl", "[]\n" + #"{"file_name": "cat/1.png", "text": 3}"#)
    let check = FolderCheck(try ImageFolder(scratch.url, classes: .folders), resolution: 32)
    XCTAssertEqual(
      check.report(skipsBad: true),
      """
      \(scratch.url.relativePath): 3 pictures, 3 classes (cat 1, dog 1, owl 1), all 32×32

      Left out:
        Empty files (0 bytes): 1
          owl/1.png
        Lines of metadata.jsonl that are not {"file_name": …, "text": …}: 2
          metadata.jsonl (line 1: it is no JSON object)
          metadata.jsonl (line 2: "text" is neither a text nor a list of texts)

      Notes:
        Classes without a picture that can be used: 1
          owl

      Training goes on with 2 of 3 pictures.
      """)
    XCTAssertEqual(check.usableFolder.classes, ["cat", "dog", "owl"])
  }

  func testEmptyFoldersAndRareClassesAreMentioned() throws {
    let scratch = try ScratchFolder(self)
    for i in 0..<11 { try scratch.picture("cat/\(i).png") }
    for i in 0..<2 { try scratch.picture("dog/\(i).png") }
    for i in 0..<3 { try scratch.picture("emu/\(i).png") }
    try scratch.text("owl/readme.txt", "none yet")
    let check = FolderCheck(try ImageFolder(scratch.url, classes: .folders), resolution: 32)
    XCTAssertEqual(check.findings.map(\.path), ["owl", "dog"])
    XCTAssertEqual(
      check.findings.map(\.problem), [.emptyFolder, .rareClass(count: 2, largest: "cat", of: 11)])
    XCTAssertFalse(check.hasErrors)
    XCTAssertTrue(check.report().contains("      dog (2, where cat has 11)".dropFirst(2)), check.report())
    XCTAssertTrue(
      FolderCheck(try ImageFolder(scratch.url), resolution: 32).findings.isEmpty,
      "without classes, folders mean nothing")
  }

  func testMislabelledPicturesAreNotes() throws {
    let scratch = try ScratchFolder(self)
    try scratch.file("a.png", fixture("ycc444.jpg"))
    let check = FolderCheck(try ImageFolder(scratch.url), resolution: 16)
    XCTAssertFalse(check.hasErrors)
    let report = check.report()
    XCTAssertTrue(
      report.contains("Another format than the extension says (read all the same): 1\n    a.png (is JPEG)"),
      report)
    XCTAssertTrue(report.hasSuffix("Fit for training."), report)
  }

  func testGoodFolder() throws {
    let scratch = try ScratchFolder(self)
    try scratch.picture("a.png")
    try scratch.picture("b.jpg", width: 40, height: 50)
    let check = FolderCheck(try ImageFolder(scratch.url), resolution: 32)
    XCTAssertFalse(check.hasErrors)
    XCTAssertEqual(
      check.report(),
      "\(scratch.url.relativePath): 2 pictures, 32 to 40 wide, 32 to 50 high\n\nFit for training.")
  }
}
