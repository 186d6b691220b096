import Files
import Pictures
import XCTest

final class EncodingTests: XCTestCase {
  func testPNGRoundTrip() throws {
    for (width, height) in [(1, 1), (19, 11), (257, 3)] {
      let picture = testPicture(width: width, height: height)
      let data = try picture.pngData()
      XCTAssertEqual(try DecodedPicture(bytes: [UInt8](data), file: "a.png").picture, picture)
      XCTAssertEqual(data, try picture.pngData(), "the same picture gives the same bytes")
    }
  }

  func testJPEGIsCloseAndQualityCounts() throws {
    // Smooth, as JPEG likes it: 3 levels at quality 95.
    var picture = Picture(width: 48, height: 40, color: .black)
    for y in 0..<40 { for x in 0..<48 { picture[x, y] = RGB(UInt8(5 * x), UInt8(6 * y), 90) } }
    let fine = try picture.jpegData()
    let decoded = try DecodedPicture(bytes: [UInt8](fine), file: "a.jpg")
    XCTAssertEqual(decoded.format, .jpeg)
    assertBytes(decoded.picture.pixels, picture.pixels, within: 3, "quality 95")
    XCTAssertEqual(fine, try picture.jpegData())
    XCTAssertLessThan(try picture.jpegData(quality: 20).count, fine.count)
  }

  func testJPEGRefusesWhatItCannotHold() {
    let wide = Picture(width: 65_501, height: 1, color: .white)
    let cause = pictureErrorCause { _ = try wide.jpegData(file: "wide.jpg") }
    guard case .unencodable = cause else { return XCTFail("\(String(describing: cause))") }
  }

  func testTextsRoundTrip() throws {
    let texts = [
      TextChunk(keyword: "Comment", text: "café"),
      TextChunk(keyword: "Title", text: "a 猫 and a 🐕\non two lines"),
      TextChunk(keyword: "parameters", text: ""),
      TextChunk(keyword: "clé", text: String(repeating: "long ", count: 20_000)),
    ]
    let data = try testPicture().pngData(texts: texts)
    XCTAssertEqual(try DecodedPicture(bytes: [UInt8](data), file: "a.png").texts, texts)
    XCTAssertNotNil(data.range(of: Data("tEXtComment\0caf\u{E9}".unicodeScalars.map { UInt8($0.value) })))
    XCTAssertNotNil(data.range(of: Data("iTXtTitle".utf8)))
  }

  func testUnusableTextsAreRefused() {
    for chunk in [
      TextChunk(keyword: "", text: "a"), TextChunk(keyword: " a", text: "a"),
      TextChunk(keyword: String(repeating: "k", count: 80), text: "a"), TextChunk(keyword: "猫", text: "a"),
      TextChunk(keyword: "a", text: "nul\0nul"),
    ] {
      let cause = pictureErrorCause { _ = try testPicture().pngData(texts: [chunk], file: "a.png") }
      guard case .unusableText = cause else { return XCTFail("\(chunk): \(String(describing: cause))") }
    }
  }

  func testWriteGoesByExtension() throws {
    let folder = try temporaryFolder(self)
    let picture = testPicture()
    for (name, format) in [("a.png", PictureFormat.png), ("b.JPG", .jpeg), ("c.jpeg", .jpeg)] {
      let url = folder.appendingPathComponent(name)
      try picture.write(to: url)
      let decoded = try DecodedPicture(contentsOf: url)
      XCTAssertEqual(decoded.format, format)
      XCTAssertTrue(decoded.extensionMatches)
    }
    XCTAssertEqual(
      pictureErrorCause { try picture.write(to: folder.appendingPathComponent("d.webp")) }, .unknownExtension)
  }
}

final class AtomicFileTests: XCTestCase {
  private func names(_ folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  func testReplacesWholeFiles() throws {
    let folder = try temporaryFolder(self)
    let url = folder.appendingPathComponent("a.bin")
    try AtomicFile.write(Data([1, 2, 3]), to: url)
    try AtomicFile.write(to: url) { file in
      try file.append(Data([4]))
      try file.append([5, 6] as [UInt8])
    }
    XCTAssertEqual(try Data(contentsOf: url), Data([4, 5, 6]))
    XCTAssertEqual(try names(folder), ["a.bin"])
  }

  func testFailureLeavesTheOldFileAndNothingElse() throws {
    struct Stop: Error {}
    let folder = try temporaryFolder(self)
    let url = folder.appendingPathComponent("a.bin")
    try AtomicFile.write(Data([1]), to: url)
    XCTAssertThrowsError(
      try AtomicFile.write(to: url) { file in
        try file.append(Data(count: 100_000))
        throw Stop()
      }
    ) { XCTAssertTrue($0 is Stop) }
    XCTAssertEqual(try Data(contentsOf: url), Data([1]))
    XCTAssertEqual(try names(folder), ["a.bin"])
  }

  /// A file size limit makes the system refuse to write, as a full disk does.
  func testFullDiskLeavesNothing() throws {
    let folder = try temporaryFolder(self)
    var old = rlimit()
    getrlimit(__rlimit_resource_t(1), &old)  // RLIMIT_FSIZE
    signal(SIGXFSZ, SIG_IGN)
    var low = rlimit(rlim_cur: 4096, rlim_max: old.rlim_max)
    setrlimit(__rlimit_resource_t(1), &low)
    defer { setrlimit(__rlimit_resource_t(1), &old) }
    XCTAssertThrowsError(try AtomicFile.write(Data(count: 50_000), to: folder.appendingPathComponent("a"))) {
      XCTAssertTrue("\($0)".contains("too large"), "\($0)")
    }
    XCTAssertEqual(try names(folder), [])
  }

  func testErrorsNameTheFile() throws {
    let folder = try temporaryFolder(self)
    XCTAssertThrowsError(try AtomicFile.write(Data(), to: folder)) {
      XCTAssertTrue("\($0)".contains("it is a folder"), "\($0)")
    }
    let lost = folder.appendingPathComponent("none/a.bin")
    XCTAssertThrowsError(try AtomicFile.write(Data(), to: lost)) {
      XCTAssertTrue("\($0)".contains("a.bin cannot be written (no such file or directory)"), "\($0)")
    }
  }
}
