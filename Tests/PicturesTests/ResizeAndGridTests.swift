import Pictures
import XCTest

final class ResizeTests: XCTestCase {
  /// Pillow 13.0.0's `resize`. Its fixed point is ours; the weights' last bit may differ between compilers,
  /// hence one level of tolerance.
  func testResizeEqualsPillow() throws {
    let source = try Fixtures.decoded("resize-source.png").picture
    for filter in ResizeFilter.allCases {
      for (width, height) in [(8, 8), (16, 5), (74, 46), (37, 11), (50, 23), (1, 1), (5, 60)] {
        let name = "resize-\(filter)-\(width)x\(height).rgb"
        let resized = source.resized(width: width, height: height, filter: filter)
        assertBytes(resized.pixels, try Fixtures.bytes(name), within: 1, name)
      }
    }
  }

  func testSameSizeIsTheSamePicture() {
    let picture = testPicture()
    XCTAssertEqual(picture.resized(width: 19, height: 11), picture)
    XCTAssertEqual(picture.resizedToFill(width: 19, height: 11), picture)
  }

  /// Computing only the kept part gives what resizing everything and cropping gives.
  func testFillIsResizeThenCrop() {
    let picture = testPicture(width: 40, height: 25)
    for crop in [Crop.center, .at(x: 0, y: 0), .at(x: 0.99, y: 0.3), .at(x: 1, y: 1)] {
      let whole = picture.resized(width: 25, height: 16)
      XCTAssertEqual(
        picture.resizedToFill(width: 16, height: 16, crop: crop),
        whole.cropped(width: 16, height: 16, at: crop), "\(crop)")
      let enlarged = picture.resized(width: 80, height: 50)
      XCTAssertEqual(
        picture.resizedToFill(width: 80, height: 33, crop: crop),
        enlarged.cropped(width: 80, height: 33, at: crop), "\(crop)")
    }
  }

  func testExtremeAspectStaysSmall() {
    let strip = Picture(width: 40_000, height: 10, color: RGB(1, 2, 3))
    XCTAssertEqual(
      strip.resizedToFill(width: 512, height: 512), Picture(width: 512, height: 512, color: RGB(1, 2, 3)))
  }

  func testBoxAveragesWholeBlocks() {
    var picture = Picture(width: 4, height: 2, color: .black)
    picture[0, 0] = RGB(100, 8, 255)
    picture[3, 1] = .white
    let half = picture.resized(width: 2, height: 1, filter: .box)
    XCTAssertEqual(half[0, 0], RGB(25, 2, 64))
    XCTAssertEqual(half[1, 0], RGB(64, 64, 64))
  }

  func testFlipAndCrop() {
    let picture = testPicture()
    XCTAssertEqual(picture.flippedHorizontally()[0, 4], picture[18, 4])
    let part = picture.cropped(x: 3, y: 2, width: 5, height: 4)
    XCTAssertEqual(part[0, 0], picture[3, 2])
    XCTAssertEqual(part[4, 3], picture[7, 5])
  }
}

final class GridTests: XCTestCase {
  func testEqualPictures() throws {
    let colors = [RGB.black, RGB(255, 0, 0), RGB(0, 255, 0), RGB(0, 0, 255), RGB(9, 9, 9)]
    let tiles = colors.map { Picture(width: 4, height: 3, color: $0) }
    let grid = try Grid(columns: 3, padding: 2, background: RGB(7, 7, 7)).compose(tiles)
    XCTAssertEqual(grid.width, 2 + 3 * 6)
    XCTAssertEqual(grid.height, 2 + 2 * 5)
    XCTAssertEqual(grid[2, 2], .black)
    XCTAssertEqual(grid[8, 2], RGB(255, 0, 0))
    XCTAssertEqual(grid[11, 9], RGB(9, 9, 9))
    XCTAssertEqual(grid[14, 7], RGB(7, 7, 7), "the missing sixth picture")
    XCTAssertEqual(grid[1, 1], RGB(7, 7, 7))
  }

  func testUnequalPicturesStandInTheMiddle() throws {
    let tiles = [Picture(width: 2, height: 6, color: .black), Picture(width: 5, height: 2, color: .black)]
    let grid = try Grid(columns: 2, padding: 0).compose(tiles)
    XCTAssertEqual([grid.width, grid.height], [7, 6])
    XCTAssertEqual(grid[2, 1], .white)
    XCTAssertEqual(grid[2, 2], .black)
    XCTAssertEqual(grid[2, 4], .white)
  }

  func testMostNearlySquareByDefault() throws {
    let tile = Picture(width: 1, height: 1, color: .black)
    let grid = try Grid(padding: 0).compose([Picture](repeating: tile, count: 7))
    XCTAssertEqual([grid.width, grid.height], [3, 3])
  }

  func testErrors() {
    XCTAssertEqual(pictureErrorCause { _ = try Grid().compose([]) }, .nothingToArrange)
    let limits = PictureLimits(maxSide: 100)
    let cause = pictureErrorCause { _ = try Grid(padding: 60).compose([testPicture()], limits: limits) }
    XCTAssertEqual(cause, .tooLarge(width: 139, height: 131, limits: limits))
  }
}
