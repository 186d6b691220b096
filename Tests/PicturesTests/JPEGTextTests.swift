import Foundation
import Pictures
import XCTest

final class JPEGTextTests: XCTestCase {
  /// A JPEG whose EXIF holds a comment as other programs write it: `block` stands for its APP1 segment's contents.
  private func texts(exif block: [UInt8]) throws -> [TextChunk] {
    var bytes = try Fixtures.bytes("ycc444.jpg")
    let length = block.count + 2
    bytes.insert(contentsOf: [0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 255)] + block, at: 2)
    return try DecodedPicture(bytes: bytes, file: "a.jpg").texts
  }

  /// A little-endian block with a user comment of given bytes.
  private func littleEndianBlock(_ comment: [UInt8]) -> [UInt8] {
    let count = [UInt8(comment.count & 255), UInt8(comment.count >> 8), 0, 0]
    return Array("Exif\0\0II".utf8) + [42, 0, 8, 0, 0, 0]
      + [1, 0, 0x69, 0x87, 4, 0, 1, 0, 0, 0, 26, 0, 0, 0, 0, 0, 0, 0]
      + [1, 0, 0x86, 0x92, 7, 0] + count + [44, 0, 0, 0, 0, 0, 0, 0] + comment
  }

  private let parameters = "a 猫\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5"

  /// The file as the web UI writes it, by Pillow (Tests/Fixtures/make_pictures.py).
  func testTheWebUIsFile() throws {
    let decoded = try Fixtures.decoded("parameters.jpg")
    XCTAssertEqual(decoded.texts, [TextChunk(keyword: "parameters", text: parameters)])
    XCTAssertEqual(decoded.orientation, .upright)
  }

  func testByteOrdersAndCharacterCodes() throws {
    let unicode = Array("UNICODE\0".utf8)
    let little = parameters.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
    let big = parameters.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
    for comment in [
      unicode + little, unicode + big, unicode + [0xFF, 0xFE] + little, unicode + [0xFE, 0xFF] + big,
      Array("ASCII\0\0\0".utf8) + parameters.utf8,
      [UInt8](repeating: 0, count: 8) + parameters.utf8 + [0, 0],
    ] {
      XCTAssertEqual(
        try texts(exif: littleEndianBlock(comment)), [TextChunk(keyword: "parameters", text: parameters)])
    }
    // Without Latin letters the block's own order counts.
    let cat = littleEndianBlock(unicode + [0x2B, 0x73])
    XCTAssertEqual(try texts(exif: cat), [TextChunk(keyword: "UserComment", text: "猫")])
  }

  func testCamerasCommentsAreNoParameters() throws {
    let comment = Array("ASCII\0\0\0Holiday".utf8)
    XCTAssertEqual(
      try texts(exif: littleEndianBlock(comment)), [TextChunk(keyword: "UserComment", text: "Holiday")])
    XCTAssertEqual(try texts(exif: littleEndianBlock(Array("ASCII\0\0\0   \0".utf8))), [])
  }

  /// Cut anywhere, a block is no text or a shorter one, and never a crash.
  func testDamagedBlocks() throws {
    let block = littleEndianBlock(Array("ASCII\0\0\0Holiday".utf8))
    for count in 0..<block.count { XCTAssertEqual(try texts(exif: Array(block[..<count])), [], "\(count)") }
    for at in block.indices {
      for value: UInt8 in [0, 1, 0x7F, 0xFF] {
        var damaged = block
        damaged[at] = value
        XCTAssertLessThanOrEqual(try texts(exif: damaged).count, 1)
      }
    }
  }

  func testCommentsOfEveryProgram() throws {
    var bytes = try Fixtures.bytes("ycc444.jpg")
    for comment in ["made by hand", "ends in NUL\0", "two\0parts"] {
      bytes.insert(contentsOf: [0xFF, 0xFE, 0, UInt8(comment.utf8.count + 2)] + comment.utf8, at: 2)
    }
    XCTAssertEqual(
      try DecodedPicture(bytes: bytes, file: "a.jpg").texts,
      [
        TextChunk(keyword: "two", text: "parts"), TextChunk(keyword: "Comment", text: "ends in NUL"),
        TextChunk(keyword: "Comment", text: "made by hand"),
      ])
  }

  func testTextsRoundTrip() throws {
    let texts = [
      TextChunk(keyword: "Comment", text: "café"),
      TextChunk(keyword: "clé", text: "a 猫 and a 🐕\non two lines"),
      TextChunk(keyword: "parameters", text: parameters),
    ]
    let url = try temporaryFolder(self).appendingPathComponent("a.jpg")
    try testPicture().write(to: url, texts: texts)
    XCTAssertEqual(try DecodedPicture(contentsOf: url).texts, texts)
  }

  func testWhatASegmentCannotHoldIsRefused() throws {
    for (keyword, count, fits) in [
      ("Comment", 65_533, true), ("Comment", 65_534, false), ("parameters", 32_732, false),
      ("a", 65_532, false),
    ] {
      let chunk = TextChunk(keyword: keyword, text: String(repeating: "x", count: count))
      if fits {
        let data = try testPicture().jpegData(texts: [chunk])
        XCTAssertEqual(try DecodedPicture(bytes: [UInt8](data), file: "a.jpg").texts, [chunk])
      } else {
        XCTAssertEqual(
          pictureErrorCause { _ = try testPicture().jpegData(texts: [chunk], file: "a.jpg") },
          .unusableText(keyword: keyword, reason: "a JPEG's segment ends at 65533 bytes"))
      }
    }
  }
}
