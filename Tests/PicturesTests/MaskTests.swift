import Pictures
import XCTest

final class MaskTests: XCTestCase {
  private func mask(_ rows: [String]) -> Mask {
    Mask(
      width: rows[0].count, height: rows.count,
      values: rows.joined().map { $0 == "#" ? 255 : $0 == "+" ? 128 : 0 })
  }

  private func reading(
    _ mode: StoredPicture.Mode, _ depth: Int, _ samples: [UInt16],
    palette: [StoredPicture.PaletteEntry] = [], key: [UInt16]? = nil
  ) -> Mask.Reading {
    Mask.Reading(
      StoredPicture(
        width: samples.count / mode.channels, height: 1, mode: mode, bitDepth: depth, samples: samples,
        palette: palette, transparentColor: key))
  }

  func testEveryKindOfFileReads() {
    XCTAssertEqual(reading(.grey, 1, [0, 1]).mask.values, [0, 255])
    XCTAssertEqual(reading(.grey, 2, [0, 1, 2, 3]).mask.values, [0, 85, 170, 255])
    XCTAssertEqual(reading(.grey, 8, [0, 7, 255]).mask.values, [0, 7, 255])
    XCTAssertEqual(reading(.grey, 16, [0, 100, 257, 65_535]).mask.values, [0, 0, 1, 255])
    XCTAssertNil(reading(.grey, 16, [0, 65_535]).note)
    XCTAssertEqual(reading(.rgb, 8, [0, 0, 0, 255, 255, 255]).mask.values, [0, 255])
    XCTAssertNil(reading(.rgb, 8, [0, 0, 0, 255, 255, 255]).note)
    let red = reading(.rgb, 8, [255, 0, 0, 0, 0, 0])
    XCTAssertEqual(red.mask.values, [76, 0])
    XCTAssertEqual(red.note, "its colours count by their brightness")
    let palette = [RGB.white, .black].map { StoredPicture.PaletteEntry($0) }
    XCTAssertEqual(reading(.palette, 1, [0, 1, 0], palette: palette).mask.values, [255, 0, 255])
  }

  func testTransparency() {
    let opaque = reading(.rgba, 8, [0, 0, 0, 255, 255, 255, 255, 255])
    XCTAssertEqual(opaque.mask.values, [0, 255])
    XCTAssertNil(opaque.note)
    // White and black and nothing: nothing is black.
    let holes = reading(.greyAlpha, 8, [255, 255, 0, 255, 255, 0, 255, 128])
    XCTAssertEqual(holes.mask.values, [255, 0, 0, 128])
    XCTAssertEqual(holes.note, "its transparent pixels count as black")
    // Black strokes on nothing, and white ones: the strokes are painted anew.
    for shade: UInt16 in [0, 255] {
      let strokes = reading(.greyAlpha, 8, [0, 0, shade, 255, 0, 0])
      XCTAssertEqual(strokes.mask.values, [0, 255, 0])
      XCTAssertEqual(
        strokes.note, "its opaque pixels are painted anew, as they have all the same colour")
    }
    let keyed = reading(.grey, 8, [9, 200, 9, 100], key: [9])
    XCTAssertEqual(keyed.mask.values, [0, 200, 0, 100])
  }

  func testOwnAlpha() {
    let picture = StoredPicture(
      width: 3, height: 1, mode: .greyAlpha, bitDepth: 8, samples: [50, 0, 60, 255, 70, 200])
    XCTAssertEqual(Mask(transparencyOf: picture).values, [255, 0, 55])
  }

  func testFiles() throws {
    let folder = try temporaryFolder(self)
    let half = Mask(rectangle: .init(x: 16, y: 0, width: 16, height: 32), width: 32, height: 32)
    let jpeg = folder.appendingPathComponent("mask.jpg")
    try half.picture.write(to: jpeg, jpegQuality: 75)
    let read = try Mask.read(contentsOf: jpeg)
    XCTAssertEqual(read.mask, half, "compression's noise is cut off")
    XCTAssertEqual(read.note, "JPEG's near-black counts as black, near-white as white")
    let png = folder.appendingPathComponent("mask.png")
    try half.picture.write(to: png)
    XCTAssertEqual(
      try Mask.read(contentsOf: png),
      Mask.Reading(
        StoredPicture(
          width: 32, height: 32, mode: .grey, bitDepth: 8, samples: half.values.map { UInt16($0) })))
  }

  func testRectangleIsCutOff() {
    let mask = Mask(rectangle: .init(x: -2, y: 1, width: 4, height: 9), width: 4, height: 3)
    XCTAssertEqual(mask, self.mask(["....", "##..", "##.."]))
    XCTAssertEqual(mask.bounds, .init(x: 0, y: 1, width: 2, height: 2))
    for far in [
      Mask.Rectangle(x: 9, y: 9, width: 2, height: 2), .init(x: .max, y: 0, width: .max, height: 1),
    ] {
      XCTAssertTrue(Mask(rectangle: far, width: 4, height: 3).isBlack)
    }
    XCTAssertNil(Mask(width: 4, height: 3, value: 0).bounds)
    XCTAssertTrue(Mask(rectangle: .init(x: 0, y: 0, width: .max, height: .max), width: 4, height: 3).isWhite)
  }

  func testInvertAndFloats() {
    XCTAssertEqual(mask(["#.+"]).inverted.values, [0, 255, 127])
    XCTAssertEqual(mask(["#.+"]).floats, [1, 0, 128.0 / 255])
  }

  func testGrow() {
    let dot = mask([".....", ".....", "..#..", ".....", "....."])
    XCTAssertEqual(dot.grown(1), mask([".....", "..#..", ".###.", "..#..", "....."]))
    XCTAssertEqual(dot.grown(2), mask(["..#..", ".###.", "#####", ".###.", "..#.."]))
    XCTAssertEqual(dot.grown(0), dot)
    XCTAssertEqual(dot.grown(2).grown(-1), dot.grown(1))
    XCTAssertTrue(dot.grown(-1).isBlack)
    XCTAssertTrue(dot.grown(1_000_000).isWhite)
    XCTAssertEqual(mask(["+....#"]).grown(1), mask(["++..##"]))
  }

  /// Against the definition: the greatest value within the disc.
  func testGrowIsTheGreatestWithinADisc() {
    var generator = TestGenerator(state: 3)
    for (width, height, radius) in [(17, 11, 3), (5, 23, 6), (1, 9, 2), (30, 2, 40), (12, 12, 7)] {
      let values = (0..<width * height).map { _ in
        UInt8.random(in: 0...255, using: &generator) < 240 ? 0 : UInt8.random(in: 0...255, using: &generator)
      }
      let grown = Mask(width: width, height: height, values: values).grown(radius)
      for y in 0..<height {
        for x in 0..<width {
          var greatest: UInt8 = 0
          for v in 0..<height {
            for u in 0..<width where (u - x) * (u - x) + (v - y) * (v - y) <= radius * radius {
              greatest = max(greatest, values[v * width + u])
            }
          }
          XCTAssertEqual(grown[x, y], greatest, "\(x), \(y) of \(width)×\(height), radius \(radius)")
        }
      }
    }
  }

  func testFeather() {
    let half = Mask(rectangle: .init(x: 16, y: 0, width: 16, height: 8), width: 32, height: 8)
    let soft = half.feathered(2)
    XCTAssertEqual(half.feathered(0), half)
    XCTAssertEqual(soft[0, 3], 0)
    XCTAssertEqual(soft[31, 3], 255)
    // The edge lies between two pixels: the Gaussian's integral half a pixel from it, ±0.5/2 deviations.
    XCTAssertEqual(Double(soft[15, 3]), 255 * 0.5 * erfc(0.25 / 2.0.squareRoot()), accuracy: 1.5)
    XCTAssertEqual(Int(soft[15, 3]) + Int(soft[16, 3]), 255)
    for x in 1..<32 { XCTAssertGreaterThanOrEqual(soft[x, 4], soft[x - 1, 4]) }
    XCTAssertTrue(Mask(width: 5, height: 5, value: 255).feathered(3).isWhite, "the border goes on")
  }

  func testResize() {
    let half = Mask(rectangle: .init(x: 8, y: 0, width: 8, height: 16), width: 16, height: 16)
    let small = half.resized(width: 4, height: 2)
    XCTAssertEqual([small.width, small.height], [4, 2])
    XCTAssertEqual(small[0, 0], 0)
    XCTAssertEqual(small[3, 1], 255)
    let large = half.resized(width: 64, height: 64)
    XCTAssertEqual([large[20, 9], large[44, 50]], [0, 255])
    XCTAssertEqual(half.resized(width: 16, height: 16), half)
  }
}
