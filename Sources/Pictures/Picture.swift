/// A colour of 8 bits a channel, sRGB as everywhere in this module.
public struct RGB: Sendable, Hashable, Codable {
  /// Red, 0 to 255.
  public var red: UInt8
  /// Green, 0 to 255.
  public var green: UInt8
  /// Blue, 0 to 255.
  public var blue: UInt8

  /// A colour of its three channels, each 0 to 255.
  public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  /// (255, 255, 255).
  public static let white = RGB(255, 255, 255)
  /// (0, 0, 0).
  public static let black = RGB(0, 0, 0)
}

/// An opaque RGB picture of 8 bits a channel: what every file is decoded to and encoded from.
public struct Picture: Sendable, Hashable {
  /// Width in pixels, at least 1.
  public let width: Int
  /// Height in pixels, at least 1.
  public let height: Int
  /// `height × width × 3` bytes: rows from the top, pixels from the left, red, green, blue.
  public private(set) var pixels: [UInt8]

  /// A picture of given pixels.
  ///
  /// - Parameter pixels: exactly `height × width × 3` bytes.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(width > 0 && height > 0, "a picture of \(width)×\(height)")
    precondition(pixels.count == width * height * 3, "\(pixels.count) bytes for \(width)×\(height)")
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// A picture of one colour.
  public init(width: Int, height: Int, color: RGB) {
    precondition(width > 0 && height > 0, "a picture of \(width)×\(height)")
    self.width = width
    self.height = height
    pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { buffer, count in
      for index in stride(from: 0, to: width * height * 3, by: 3) {
        buffer[index] = color.red
        buffer[index + 1] = color.green
        buffer[index + 2] = color.blue
      }
      count = width * height * 3
    }
  }

  /// The pixel in column `x` (from the left) and row `y` (from the top).
  public subscript(x: Int, y: Int) -> RGB {
    get {
      let index = offset(x, y)
      return RGB(pixels[index], pixels[index + 1], pixels[index + 2])
    }
    set {
      let index = offset(x, y)
      pixels[index] = newValue.red
      pixels[index + 1] = newValue.green
      pixels[index + 2] = newValue.blue
    }
  }

  private func offset(_ x: Int, _ y: Int) -> Int {
    precondition(0..<width ~= x && 0..<height ~= y, "pixel (\(x), \(y)) of a \(width)×\(height) picture")
    return (y * width + x) * 3
  }

  /// One byte a pixel, row by row: ITU-R 601 luma, rounded to nearest in the fixed point that Pillow's
  /// `convert("L")` uses, so that masks are cut at the same pixel.
  public var luminance: [UInt8] {
    pixels.withUnsafeBufferPointer { source in
      [UInt8](unsafeUninitializedCapacity: width * height) { luma, count in
        for index in 0..<width * height {
          let red = UInt32(source[3 * index]) * 19595
          let green = UInt32(source[3 * index + 1]) * 38470
          let blue = UInt32(source[3 * index + 2]) * 7471
          luma[index] = UInt8((red + green + blue + 0x8000) >> 16)
        }
        count = width * height
      }
    }
  }

  /// Copies `source` so that its upper left corner comes to lie at (`x`, `y`); it must lie inside.
  package mutating func paste(_ source: Picture, x: Int, y: Int) {
    precondition(x >= 0 && y >= 0 && x + source.width <= width && y + source.height <= height)
    for row in 0..<source.height {
      let target = ((y + row) * width + x) * 3
      let from = row * source.width * 3
      pixels.replaceSubrange(
        target..<target + source.width * 3, with: source.pixels[from..<from + source.width * 3])
    }
  }
}
