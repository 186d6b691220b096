import Pictures
import XCTest

final class StoredPictureTests: XCTestCase {
  /// Every PNG and JPEG, held as stored, shows what it decodes to.
  func testEveryFixtureShowsWhatItDecodesTo() throws {
    for expected in try Fixtures.cases() {
      let bytes = try Fixtures.bytes(expected.file)
      let stored = try StoredPicture(bytes: bytes, file: expected.file)
      XCTAssertEqual(stored.picture(), try Fixtures.decoded(expected.file).picture, expected.file)
      XCTAssertEqual(stored.bitDepth, expected.bitDepth, expected.file)
      XCTAssertEqual(stored.hasTransparency, expected.hadAlpha ?? false, expected.file)
    }
  }

  func testModes() throws {
    for (name, mode, depth) in [
      ("rgb8", StoredPicture.Mode.rgb, 8), ("rgba8", .rgba, 8), ("grey8", .grey, 8), ("grey1", .grey, 1),
      ("grey-alpha8", .greyAlpha, 8), ("rgb16", .rgb, 16), ("grey16", .grey, 16), ("rgba16", .rgba, 16),
      ("palette4", .palette, 4), ("palette-trns", .palette, 2), ("rgb-trns", .rgb, 8),
    ] {
      let stored = try StoredPicture(bytes: Fixtures.bytes("\(name).png"), file: name)
      XCTAssertEqual(stored.mode, mode, name)
      XCTAssertEqual(stored.bitDepth, depth, name)
    }
    // make_pictures.py: the sample of column x and row y is (5003 x + 6007 y) mod 65536.
    let wide = try StoredPicture(bytes: Fixtures.bytes("grey16.png"), file: "grey16.png")
    XCTAssertEqual(wide.samples[13 * 2 + 3], UInt16(3 * 5003 + 2 * 6007))
  }

  func testWrittenFilesReadBackAsTheyWere() throws {
    for expected in try Fixtures.cases() where expected.file.hasSuffix(".png") && expected.orientation == nil
    {
      let stored = try StoredPicture(bytes: Fixtures.bytes(expected.file), file: expected.file)
      let data = try stored.pngData(texts: stored.texts)
      XCTAssertEqual(try StoredPicture(bytes: [UInt8](data), file: "a.png"), stored, expected.file)
    }
  }

  func testOrientationIsApplied() throws {
    let upright = try StoredPicture(bytes: Fixtures.bytes("exif6.png"), file: "exif6.png")
    XCTAssertEqual([upright.width, upright.height], [9, 13])
    let again = try StoredPicture(bytes: [UInt8](upright.pngData()), file: "a.png")
    XCTAssertEqual(again, upright, "the file that is written is upright and has no orientation")
  }

  /// What the samples mean goes along; a chunk with a wrong checksum does not.
  func testColorChunksAreKept() throws {
    let bytes = try Fixtures.bytes("rgb8.png")
    let gamma = PNGChunk(type: "gAMA", data: [0, 0, 0xB1, 0x8F])
    let size = PNGChunk(type: "pHYs", data: [0, 0, 0x0B, 0x13, 0, 0, 0x0B, 0x13, 1])
    var damaged = PNGChunk(type: "cHRM", data: [UInt8](repeating: 1, count: 32)).bytes
    damaged[20] ^= 1
    let edited = Array(bytes[..<33]) + gamma.bytes + damaged + size.bytes + bytes[33...]
    let stored = try StoredPicture(bytes: edited, file: "a.png")
    let written = [UInt8](try stored.pngData())
    XCTAssertEqual(PNGChunk.all(in: written).map(\.type), ["IHDR", "gAMA", "pHYs", "IDAT", "IEND"])
    XCTAssertEqual(try StoredPicture(bytes: written, file: "a.png"), stored)
  }

  func testIndexBeyondThePaletteIsBlack() throws {
    let stored = StoredPicture(
      width: 2, height: 1, mode: .palette, bitDepth: 2, samples: [0, 3],
      palette: [StoredPicture.PaletteEntry(RGB(9, 8, 7))])
    XCTAssertEqual(stored.picture()[1, 0], .black)
    let again = try StoredPicture(bytes: [UInt8](stored.pngData()), file: "a.png")
    XCTAssertEqual(again.samples, [0, 3])
    XCTAssertEqual(again.picture(), stored.picture())
  }

  func testErrors() throws {
    for count in [9, 40, 60] {
      let cause = pictureErrorCause {
        _ = try StoredPicture(bytes: Array(Fixtures.bytes("palette4.png").prefix(count)), file: "a.png")
      }
      XCTAssertEqual(cause, .truncated(format: .png))
    }
    let stored = try StoredPicture(bytes: Fixtures.bytes("grey1.png"), file: "a.png")
    let url = try temporaryFolder(self).appendingPathComponent("a.jpg")
    XCTAssertEqual(pictureErrorCause { try stored.write(to: url) }, .unknownExtension)
  }
}

final class RepaintingTests: XCTestCase {
  private var generator = TestGenerator(state: 12)

  /// A picture of random samples; a few colours are shared so that keys and palettes are met.
  private func random(_ mode: StoredPicture.Mode, depth: Int, transparent: Bool) -> StoredPicture {
    let (width, height) = (Int.random(in: 1...9, using: &generator), Int.random(in: 1...9, using: &generator))
    let top = UInt16(truncatingIfNeeded: 1 << depth - 1)
    var palette: [StoredPicture.PaletteEntry] = []
    if mode == .palette {
      palette = (0..<min(1 << depth, 11)).map { _ in
        let color = RGB(
          .random(in: 0...255, using: &generator), .random(in: 0...255, using: &generator),
          .random(in: 0...255, using: &generator))
        return .init(color, alpha: transparent ? .random(in: 0...255, using: &generator) : 255)
      }
    }
    let limit = mode == .palette ? UInt16(palette.count - 1) : top
    let samples = (0..<width * height * mode.channels).map { _ in
      UInt16.random(in: 0...limit, using: &generator)
    }
    let canHaveKey = mode == .grey || mode == .rgb
    return StoredPicture(
      width: width, height: height, mode: mode, bitDepth: depth, samples: samples, palette: palette,
      transparentColor: canHaveKey && transparent ? Array(samples.prefix(mode.channels)) : nil)
  }

  private func randomMask(_ picture: StoredPicture) -> Mask {
    Mask(
      width: picture.width, height: picture.height,
      values: (0..<picture.width * picture.height).map { _ in
        [0, 0, 0, 255, 255, .random(in: 0...255, using: &generator)].randomElement(using: &generator) ?? 0
      })
  }

  /// 1,000 random masks over all modes and depths: where the mask is black, the file that is written has the samples
  /// that the input has, or, in another mode, the same colours; where it is white, the new pixel.
  func testKeptPixelsAreIdenticalInEveryMode() throws {
    var (unchanged, cases) = (0, 0)
    for round in 0..<36 {
      for mode in StoredPicture.Mode.allCases {
        for depth in StoredPicture.depths(of: mode) {
          for transparent in [false, true] where !(transparent && mode.hasAlpha) {
            let input = random(mode, depth: depth, transparent: transparent)
            let mask = randomMask(input)
            let new = testPicture(width: input.width, height: input.height)
            let repainted = input.repainted(with: new, mask: mask)
            let written = try StoredPicture(bytes: [UInt8](repainted.picture.pngData()), file: "a.png")
            let isSame = written.mode == mode && written.bitDepth == depth
            let what = "\(input.kind), round \(round)"
            for index in mask.values.indices {
              if mask.values[index] == 0 {
                XCTAssertEqual(written.color(index), input.color(index), what)
                if isSame { XCTAssertEqual(written.pixel(index), input.pixel(index), what) }
              } else if mask.values[index] == 255 {
                check(written.color(index), new[index % new.width, index / new.width], written, what)
              }
            }
            XCTAssertEqual(isSame || repainted.note?.contains("written as") == true, true, what)
            unchanged += isSame ? 1 : 0
            cases += 1
            // What has no need to change does not: everything but palettes, few levels and half transparent keys.
            if depth >= 8 && mode != .palette && !transparent { XCTAssertTrue(isSame, what) }
          }
        }
      }
    }
    XCTAssertGreaterThanOrEqual(cases, 720)
    XCTAssertGreaterThan(unchanged, 250)
  }

  /// A pixel painted whole: opaque, and the new colour or its luminance.
  private func check(_ color: StoredPicture.Color, _ new: RGB, _ written: StoredPicture, _ what: String) {
    XCTAssertEqual(color.alpha, .max, what)
    func near(_ value: UInt16, _ expected: UInt8, within tolerance: Int) {
      XCTAssertLessThanOrEqual(abs(Int(value) - Int(expected) * 257), tolerance * 257, what)
    }
    // A transparent colour that a new pixel must not have moves it by a level.
    let slack = written.transparentColor == nil ? 0 : 1
    if written.mode.isGrey {
      let luma = Picture(width: 1, height: 1, color: new).luminance[0]
      near(color.red, luma, within: 1 + slack * Int(UInt16.max / written.top) / 257)
    } else {
      near(color.red, new.red, within: 0)
      near(color.green, new.green, within: 0)
      near(color.blue, new.blue, within: slack)
    }
  }

  func testBlackMaskChangesNothingAndWhiteEverything() throws {
    let input = random(.rgb, depth: 16, transparent: false)
    let new = testPicture(width: input.width, height: input.height)
    let black = Mask(width: input.width, height: input.height, value: 0)
    XCTAssertEqual(input.repainted(with: new, mask: black).picture, input)
    XCTAssertEqual(input.repainted(with: new, mask: black.inverted).picture.picture(), new)
  }

  func testPaletteStaysWhereItHasTheColours() {
    let palette = [RGB.black, .white, RGB(250, 20, 30)].map { StoredPicture.PaletteEntry($0) }
    let input = StoredPicture(
      width: 2, height: 1, mode: .palette, bitDepth: 2, samples: [2, 2], palette: palette)
    let mask = Mask(width: 2, height: 1, values: [0, 255])
    let white = input.repainted(with: Picture(width: 2, height: 1, color: .white), mask: mask)
    XCTAssertEqual(white.picture.mode, .palette)
    XCTAssertEqual(white.picture.samples, [2, 1])
    XCTAssertNil(white.note)
    let other = input.repainted(with: Picture(width: 2, height: 1, color: RGB(1, 2, 3)), mask: mask)
    XCTAssertEqual(other.picture.mode, .rgb)
    XCTAssertEqual(other.picture.samples, [250, 20, 30, 1, 2, 3])
    XCTAssertEqual(
      other.note, "a palette of 3 colours cannot hold the new pixels: written as 8-bit RGB")
  }

  func testGreyStaysGreyAndSaysSo() {
    let input = StoredPicture(width: 1, height: 1, mode: .grey, bitDepth: 8, samples: [7])
    let mask = Mask(width: 1, height: 1, value: 255)
    let red = input.repainted(with: Picture(width: 1, height: 1, color: RGB(255, 0, 0)), mask: mask)
    XCTAssertEqual(red.picture.samples, [76])
    XCTAssertEqual(red.note, "the new pixels are grey, as the file is")
    XCTAssertNil(input.repainted(with: Picture(width: 1, height: 1, color: RGB(9, 9, 9)), mask: mask).note)
  }

  /// Half painted over nothing is half opaque and has the new colour alone.
  func testHiddenColoursDoNotShowThrough() {
    let input = StoredPicture(width: 1, height: 1, mode: .rgba, bitDepth: 8, samples: [0, 255, 0, 0])
    let half = Mask(width: 1, height: 1, value: 128)
    let red = Picture(width: 1, height: 1, color: RGB(255, 0, 0))
    XCTAssertEqual(input.repainted(with: red, mask: half).picture.samples, [255, 0, 0, 128])
    let opaque = StoredPicture(width: 1, height: 1, mode: .rgba, bitDepth: 8, samples: [0, 255, 0, 255])
    XCTAssertEqual(opaque.repainted(with: red, mask: half).picture.samples, [128, 127, 0, 255])
    let keyed = StoredPicture(
      width: 1, height: 1, mode: .rgb, bitDepth: 8, samples: [0, 255, 0], transparentColor: [0, 255, 0])
    let repainted = keyed.repainted(with: red, mask: half)
    XCTAssertEqual(repainted.picture.samples, [255, 0, 0, 128])
    XCTAssertEqual(repainted.note, "8-bit RGB cannot hold the new pixels: written as 8-bit RGBA")
  }

  func testSixteenBitsTakeTheFloats() {
    let input = StoredPicture(width: 1, height: 1, mode: .grey, bitDepth: 16, samples: [1])
    let value: Float = 0.1234
    let result = input.repainted(
      with: [value, value, value], mask: Mask(width: 1, height: 1, value: 255))
    XCTAssertEqual(result.picture.samples[0], UInt16(((value / 2 + 0.5) * 65_535).rounded()))
    XCTAssertNil(result.note)
  }
}
