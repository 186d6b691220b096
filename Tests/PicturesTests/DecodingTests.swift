import Pictures
import XCTest

final class DecodingTests: XCTestCase {
  /// Every kind of PNG and JPEG, against the pixels that it was made of.
  func testEveryFixture() throws {
    let cases = try Fixtures.cases()
    XCTAssertGreaterThan(cases.count, 30)
    for expected in cases {
      let decoded = try Fixtures.decoded(expected.file)
      XCTAssertEqual(decoded.picture.width, expected.width, expected.file)
      XCTAssertEqual(decoded.picture.height, expected.height, expected.file)
      XCTAssertEqual(decoded.bitDepth, expected.bitDepth, expected.file)
      XCTAssertEqual(decoded.hadAlpha, expected.hadAlpha ?? false, expected.file)
      XCTAssertEqual(decoded.wasGrey, expected.wasGrey ?? false, expected.file)
      XCTAssertEqual(decoded.wasCMYK, expected.wasCMYK ?? false, expected.file)
      XCTAssertEqual(decoded.orientation.rawValue, expected.orientation ?? 1, expected.file)
      XCTAssertTrue(decoded.extensionMatches, expected.file)
      // PNG is exact. JPEGs are compared with another build of libjpeg-turbo (2 levels), those with EXIF with
      // the pixels before compression at quality 100 (8 levels, at the hard edge).
      let isEXIF = expected.file.hasPrefix("exif")
      let tolerance = decoded.format == .png ? 0 : isEXIF ? 8 : 2
      assertBytes(
        decoded.picture.pixels, try Fixtures.bytes(expected.file + ".rgb"), within: tolerance, expected.file)
    }
  }

  func testBackgroundShowsThroughAlpha() throws {
    let options = DecodingOptions(background: RGB(10, 200, 30))
    let bytes = try Fixtures.bytes("rgba8.png")
    let decoded = try DecodedPicture(bytes: bytes, file: "rgba8.png", options: options)
    XCTAssertEqual(decoded.picture[0, 0], RGB(10, 200, 30), "the upper left corner is transparent")
  }

  func testOrientationCanBeLeftAlone() throws {
    let options = DecodingOptions(appliesOrientation: false)
    let turned = try DecodedPicture(
      bytes: Fixtures.bytes("exif6.jpg"), file: "exif6.jpg", options: options)
    XCTAssertEqual(turned.picture.width, 24)
    XCTAssertEqual(turned.orientation, .turnedLeft)
    XCTAssertEqual(turned.picture.applying(turned.orientation), try Fixtures.decoded("exif6.jpg").picture)
  }

  /// Turning and turning back.
  func testOrientationsInvert() {
    let inverse: [Orientation: Orientation] = [.turnedLeft: .turnedRight, .turnedRight: .turnedLeft]
    let picture = testPicture()
    var seen: Set<Picture> = []
    for orientation in Orientation.allCases {
      let turned = picture.applying(orientation)
      seen.insert(turned)
      XCTAssertEqual(turned.width, orientation.swapsSides ? picture.height : picture.width)
      XCTAssertEqual(turned.applying(inverse[orientation] ?? orientation), picture, "\(orientation)")
    }
    XCTAssertEqual(seen.count, 8)
  }

  func testTextChunksOfEveryKind() throws {
    let texts = try Fixtures.decoded("texts.png").texts
    XCTAssertEqual(texts.map(\.keyword), ["Comment", "Compressed", "Title", "parameters"])
    XCTAssertEqual(texts[0].text, "café, naïve")
    XCTAssertEqual(texts[1].text, String(repeating: "squeezed ", count: 40))
    XCTAssertEqual(texts[2].text, "暗室 📷")
    XCTAssertEqual(texts[3].text.split(separator: "\n").count, 2)
  }

  func testFloatsRoundTripEveryByte() {
    var picture = Picture(width: 256, height: 1, color: .black)
    for x in 0..<256 { picture[x, 0] = RGB(UInt8(x), UInt8(255 - x), UInt8(x ^ 0x55)) }
    let planes = picture.planarFloats()
    XCTAssertEqual(planes[0], -1)
    XCTAssertEqual(planes[255], 1)
    XCTAssertEqual(planes[256], 1, "the second plane is green")
    XCTAssertEqual(Picture(planarFloats: planes, width: 256, height: 1), picture)
  }

  func testFloatsAreClampedAndRounded() {
    let picture = Picture(
      planarFloats: [0, -7, 7, .nan, .infinity, -.infinity], width: 6, height: 1, channels: 1)
    // (0 / 2 + 0.5) · 255 is 127.5 exactly, whose even neighbour is 128.
    XCTAssertEqual((0..<6).map { picture[$0, 0].red }, [128, 0, 255, 0, 255, 0])
    XCTAssertEqual(picture[0, 0], RGB(128, 128, 128))
  }

  func testLuminance() {
    var picture = Picture(width: 4, height: 1, color: .white)
    picture[0, 0] = RGB(255, 0, 0)
    picture[1, 0] = RGB(0, 255, 0)
    picture[2, 0] = RGB(0, 0, 255)
    // Pillow 13: Image.convert("L") of the same four pixels.
    XCTAssertEqual(picture.luminance, [76, 150, 29, 255])
  }
}
