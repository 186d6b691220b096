import Pictures
import XCTest

final class BadInputTests: XCTestCase {
  private func cause(_ bytes: [UInt8], _ file: String = "a.png") -> PictureError.Cause? {
    pictureErrorCause { _ = try DecodedPicture(bytes: bytes, file: file) }
  }

  /// Cut anywhere, a file is an error; nearly everywhere it is called truncated.
  func testTruncatedFiles() throws {
    for (name, format) in [
      ("rgb8.png", PictureFormat.png), ("ycc420.jpg", .jpeg), ("progressive.jpg", .jpeg),
    ] {
      let bytes = try Fixtures.bytes(name)
      for count in 8..<bytes.count {
        XCTAssertEqual(
          cause(Array(bytes[..<count]), name), .truncated(format: format), "\(name) cut at \(count)")
      }
    }
  }

  func testFilesThatAreNoPictures() {
    XCTAssertEqual(cause([]), .empty)
    XCTAssertEqual(cause(Array("<html><body>404 – not found</body></html>\n".utf8), "a.jpg"), .text)
    XCTAssertEqual(cause([0, 1, 2, 3, 4, 5, 6, 7]), .unknownFormat)
    XCTAssertEqual(cause(Array("GIF89a".utf8)), .foreignFormat(name: "GIF"))
    XCTAssertEqual(cause(Array("RIFF....WEBPVP8 ".utf8)), .foreignFormat(name: "WebP"))
  }

  func testMislabelledFileDecodes() throws {
    let decoded = try DecodedPicture(bytes: Fixtures.bytes("ycc444.jpg"), file: "photo.png")
    XCTAssertEqual(decoded.format, .jpeg)
    XCTAssertFalse(decoded.extensionMatches)
  }

  func testSmallestPicture() throws {
    let data = try Picture(width: 1, height: 1, color: RGB(1, 2, 3)).pngData()
    XCTAssertEqual(try DecodedPicture(bytes: [UInt8](data), file: "a.png").picture[0, 0], RGB(1, 2, 3))
  }

  func testSizesAreJudgedBeforeTheyAreAllocated() throws {
    let long = try Picture(width: 60_000, height: 10, color: .black).pngData()
    XCTAssertEqual(
      cause([UInt8](long)), .tooLarge(width: 60_000, height: 10, limits: PictureLimits()))
    // A JPEG that claims 65,500×65,500, 12.9 GB of pixels: its frame header is patched.
    var bomb = try Fixtures.bytes("ycc444.jpg")
    let frame = try XCTUnwrap(bomb.indices.dropLast().first { bomb[$0] == 0xFF && bomb[$0 + 1] == 0xC0 })
    bomb.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0xDC, 0xFF, 0xDC])
    XCTAssertEqual(
      cause(bomb, "a.jpg"), .tooLarge(width: 65_500, height: 65_500, limits: PictureLimits()))
  }

  func testUnreadableFiles() throws {
    let folder = try temporaryFolder(self)
    for (url, reason) in [
      (folder, "it is a folder"), (folder.appendingPathComponent("a.png"), "no such file or directory"),
    ] {
      let cause = pictureErrorCause { _ = try DecodedPicture(contentsOf: url) }
      XCTAssertEqual(cause, .unreadable(reason: reason))
    }
  }

  func testSentences() {
    let sentences: [(PictureError.Cause, String)] = [
      (.empty, "x/a.png is empty (0 bytes); fetch it again."),
      (
        .truncated(format: .jpeg),
        "x/a.png is a truncated JPEG: the data ends before the picture does; fetch it again."
      ),
      (
        .tooLarge(width: 60_000, height: 10, limits: PictureLimits()),
        "x/a.png is 60000×10, beyond the limit of 50000 pixels a side and 100 megapixels; scale it down first."
      ),
    ]
    for (cause, sentence) in sentences {
      XCTAssertEqual(PictureError(cause, file: "x/a.png").description, sentence)
    }
  }
}

final class MutationTests: XCTestCase {
  /// Damaged files decode or throw; they never crash, hang or take gigabytes.
  func testRandomMutations() throws {
    let peakBefore = peakMemory()
    var generator = TestGenerator(state: 2026)
    // 4 megapixels: a mutated header then costs at most a few milliseconds.
    let options = DecodingOptions(limits: PictureLimits(maxSide: 50_000, maxPixels: 4_000_000))
    let names = [
      "rgba8.png", "palette-trns.png", "interlaced.png", "texts.png", "exif6.png", "rgb16.png",
      "ycc420.jpg", "progressive.jpg", "cmyk.jpg", "exif3.jpg", "grey.jpg",
    ]
    var decoded = 0
    for name in names {
      let original = try Fixtures.bytes(name)
      for _ in 0..<500 {
        let bytes = mutated(original, &generator)
        if (try? DecodedPicture(bytes: bytes, file: name, options: options)) != nil { decoded += 1 }
      }
    }
    // Damage to ancillary chunks and to coefficients can leave a valid file.
    XCTAssertGreaterThan(decoded, 0)
    XCTAssertLessThan(decoded, names.count * 500)
    XCTAssertLessThan(peakMemory() - peakBefore, 1 << 29)
  }

  private func mutated(_ original: [UInt8], _ generator: inout TestGenerator) -> [UInt8] {
    var bytes = original
    for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
      let place = Int.random(in: bytes.indices, using: &generator)
      switch Int.random(in: 0..<5, using: &generator) {
      case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1: bytes[place] = UInt8.random(in: .min ... .max, using: &generator)
      case 2: bytes.removeSubrange(place...)
      case 3:
        let count = Int.random(in: 1...32, using: &generator)
        let noise = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        bytes.insert(contentsOf: noise, at: place)
      default: bytes.removeSubrange(place..<min(bytes.count, place + 16))
      }
    }
    return bytes
  }

  /// The greatest resident memory of this process so far, in bytes.
  private func peakMemory() -> Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
  }
}
