import Foundation
import Pictures
import XCTest

final class CannyTests: XCTestCase {
  private let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures/control")

  private func picture(_ name: String) throws -> Picture {
    try DecodedPicture(contentsOf: folder.appendingPathComponent(name + ".png")).picture
  }

  /// OpenCV 5.0.0's `Canny` (Tests/Fixtures/make_control.py): every pixel the same.
  func testEveryPixelIsOpenCVs() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.contains("-") }
    XCTAssertEqual(names.count, 40)
    for name in names.sorted() {
      let parts = name.dropLast(4).split(separator: "-").map(String.init)
      let canny = Canny(
        low: try XCTUnwrap(Double(parts[3])), high: try XCTUnwrap(Double(parts[4])),
        aperture: try XCTUnwrap(Int(parts[1])), usesL2: parts[2] == "l2")
      let (edges, expected) = (canny.edges(of: try picture(parts[0])), try picture(String(name.dropLast(4))))
      let wrong = PictureDifference(edges, expected).differingPixels
      XCTAssertEqual(wrong, 0, "\(name): \(wrong) pixels of \(expected.width * expected.height)")
    }
  }

  func testEdgeCases() throws {
    XCTAssertEqual(
      Canny().edges(of: Picture(width: 5, height: 4, color: .white)),
      Picture(width: 5, height: 4, color: .black))
    XCTAssertEqual(
      Canny(aperture: 7).edges(of: Picture(width: 1, height: 1, color: .white)),
      Picture(width: 1, height: 1, color: .black))
    XCTAssertEqual(Canny(low: 9, high: 3), Canny(low: 3, high: 9), "as in OpenCV, the smaller is the lower")
    let picture = try picture("shapes")
    XCTAssertEqual(
      Canny(low: 1e6, high: 1e6, usesL2: true).edges(of: picture),
      Picture(width: picture.width, height: picture.height, color: .black))
  }
}

final class ControlPictureTests: XCTestCase {
  /// White paper with a black line and a soft grey one.
  private func drawing() -> Picture {
    var picture = Picture(width: 40, height: 30, color: .white)
    for y in 0..<30 {
      for x in 10..<12 { picture[x, y] = .black }
      for x in 28..<30 { picture[x, y] = RGB(190, 190, 190) }
    }
    return picture
  }

  func testLineArtIsWhiteWhereThePictureIsDark() {
    let lines = drawing().lineArt()
    // The black line is the median of what is clear.
    XCTAssertEqual(lines[10, 15].red, 127)
    XCTAssertTrue(20..<60 ~= lines[29, 15].red, "a fainter line: \(lines[29, 15])")
    for x in [0, 5, 20, 39] { XCTAssertEqual(lines[x, 15], .black, "\(x)") }
    let flat = Picture(width: 9, height: 9, color: RGB(10, 200, 30))
    XCTAssertEqual(flat.lineArt(), Picture(width: 9, height: 9, color: .black))
  }

  func testAColourAloneMakesNoLine() {
    var picture = Picture(width: 30, height: 30, color: RGB(200, 0, 0))
    for y in 0..<30 { for x in 14..<16 { picture[x, y] = RGB(0, 200, 0) } }
    XCTAssertEqual(picture.lineArt()[15, 15], .black)
    XCTAssertEqual(picture.scribble()[15, 15], .black)
  }

  func testScribbleIsBlackAndWhite() {
    let strokes = drawing().scribble()
    XCTAssertEqual(Set(strokes.pixels), [0, 255])
    XCTAssertEqual(strokes[10, 15], .white)
    XCTAssertEqual(strokes[20, 15], .black)
    XCTAssertEqual(drawing().scribble(threshold: 255), Picture(width: 40, height: 30, color: .black))
  }

  func testGreyAndTile() {
    let picture = testPicture(width: 24, height: 16)
    XCTAssertEqual(picture.grey.luminance, picture.luminance)
    XCTAssertEqual(picture.grey[7, 3].red, picture.grey[7, 3].blue)
    let tile = picture.tile(factor: 8)
    XCTAssertEqual(tile, picture.resized(width: 3, height: 2, filter: .box).resized(width: 24, height: 16))
    XCTAssertEqual(picture.tile(factor: 1), picture)
    XCTAssertEqual(picture.tile(factor: 1000).width, 24)
  }

  func testCut() {
    XCTAssertEqual(Mask(width: 3, height: 1, values: [0, 99, 100]).cut(at: 100).values, [0, 0, 255])
  }
}

final class PictureDifferenceTests: XCTestCase {
  func testNumbers() {
    let a = Picture(width: 4, height: 2, color: RGB(10, 10, 10))
    var b = a
    b[1, 1] = RGB(10, 40, 10)
    b[3, 0] = RGB(0, 10, 10)
    let difference = PictureDifference(a, b)
    XCTAssertEqual(difference.meanSquared, 1000.0 / 24)
    XCTAssertEqual(difference.mean, 40.0 / 24)
    XCTAssertEqual([difference.most, difference.mostX, difference.mostY], [30, 1, 1])
    XCTAssertEqual(difference.differingPixels, 2)
    XCTAssertEqual(difference.psnr, 10 * log10(255 * 255 * 24 / 1000), accuracy: 1e-9)
    XCTAssertEqual(PictureDifference(a, a).psnr, .infinity)
    XCTAssertEqual(PictureDifference.picture(a, b, gain: 5)[1, 1], RGB(0, 150, 0))
    XCTAssertEqual(PictureDifference.picture(a, b, gain: 100)[3, 0], RGB(255, 0, 0))
  }

  func testSimilarity() {
    let picture = testPicture(width: 40, height: 30)
    XCTAssertEqual(PictureDifference.ssim(picture, picture), 1, accuracy: 1e-12)
    // Flat against flat: only the luminances' term is left, (2·μ₁μ₂ + c₁) / (μ₁² + μ₂² + c₁).
    let (dark, bright) = (RGB(50, 50, 50), RGB(150, 150, 150))
    let c1 = 2.55 * 2.55
    XCTAssertEqual(
      PictureDifference.ssim(
        Picture(width: 9, height: 9, color: dark), Picture(width: 9, height: 9, color: bright)),
      (2 * 50 * 150 + c1) / (50 * 50 + 150 * 150 + c1), accuracy: 1e-12)
    XCTAssertLessThan(PictureDifference.ssim(picture, picture.flippedHorizontally()), 0.6)
    XCTAssertEqual(
      PictureDifference.ssim(
        Picture(width: 1, height: 1, color: dark), Picture(width: 1, height: 1, color: dark)), 1)
  }
}
