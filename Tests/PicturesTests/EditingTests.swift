import Pictures
import XCTest

/// What editing does to pictures beside painting: margins, fitting, filled holes, and the part that is worked on.
final class EditingTests: XCTestCase {
  func testMarginsRepeatTheBorderAndKeepTheSamples() {
    let picture = StoredPicture(
      width: 2, height: 2, mode: .grey, bitDepth: 16, samples: [1000, 2000, 3000, 65_535])
    let wide = picture.expanded(by: Margins(left: 1, top: 0, right: 2, bottom: 1))
    XCTAssertEqual([wide.width, wide.height], [5, 3])
    XCTAssertEqual(
      wide.samples,
      [1000, 1000, 2000, 2000, 2000, 3000, 3000, 65_535, 65_535, 65_535, 3000, 3000, 65_535, 65_535, 65_535])
    let mask = Mask(width: 2, height: 2, values: [0, 9, 0, 0]).expanded(by: Margins(left: 1, top: 1))
    XCTAssertEqual(mask.values, [255, 255, 255, 255, 0, 9, 255, 0, 0])
    XCTAssertEqual(mask.cropped(.init(x: 1, y: 1, width: 2, height: 1)).values, [0, 9])
    XCTAssertEqual(
      Mask(width: 2, height: 1, values: [3, 9]).united(with: Mask(width: 2, height: 1, values: [5, 0]))
        .values, [5, 9])
  }

  func testFittedPicturesLieInTheMiddle() {
    let fitted = Picture(width: 4, height: 2, color: RGB(255, 0, 0))
      .resizedToFit(width: 8, height: 8, background: RGB(0, 0, 255))
    XCTAssertEqual([fitted.width, fitted.height], [8, 8])
    XCTAssertEqual([fitted[4, 1], fitted[4, 2], fitted[0, 5], fitted[4, 6]].map(\.red), [0, 255, 255, 0])
  }

  /// A hole in one colour fills with it, however large it is, and nothing else changes.
  func testHolesFillWithWhatIsAround() {
    var picture = Picture(width: 40, height: 30, color: RGB(20, 200, 90))
    for y in 5..<28 { for x in 3..<39 { picture[x, y] = RGB(255, 255, 255) } }
    let hole = Mask(rectangle: .init(x: 3, y: 5, width: 36, height: 23), width: 40, height: 30)
    let filled = picture.filled(in: hole)
    for y in 0..<30 {
      for x in 0..<40 {
        XCTAssertLessThanOrEqual(abs(Int(filled[x, y].green) - 200), 1, "\(x), \(y)")
        XCTAssertLessThanOrEqual(abs(Int(filled[x, y].red) - 20), 1, "\(x), \(y)")
      }
    }
    XCTAssertEqual(picture.filled(in: Mask(width: 40, height: 30, value: 0)), picture)
  }

  func testTheWorkedPartIsGrownToProportionsWithinThePicture() {
    let box = Mask.Rectangle(x: 10, y: 40, width: 8, height: 20)
    XCTAssertEqual(
      box.padded(by: 2, proportions: (1, 1), within: 100, 100), .init(x: 2, y: 38, width: 24, height: 24))
    XCTAssertEqual(
      box.padded(by: 0, proportions: (1, 1), within: 12, 100), .init(x: 0, y: 40, width: 12, height: 20),
      "no wider than the picture")
    XCTAssertEqual(
      box.padded(by: 1000, proportions: (3, 1), within: 100, 80), .init(x: 0, y: 0, width: 100, height: 80))
  }
}
