import Foundation

/// Which pixels are painted anew: white repaints, grey blends, black keeps.
public struct Mask: Sendable, Hashable {
  /// Width in pixels, at least 1.
  public let width: Int
  /// Height in pixels, at least 1.
  public let height: Int
  /// `height × width` values from 0 (kept) to 255 (painted anew), rows from the top.
  public let values: [UInt8]

  /// A mask of given values.
  public init(width: Int, height: Int, values: [UInt8]) {
    precondition(width > 0 && height > 0, "a mask of \(width)×\(height)")
    precondition(values.count == width * height, "\(values.count) values for \(width)×\(height)")
    self.width = width
    self.height = height
    self.values = values
  }

  /// A mask of one value.
  public init(width: Int, height: Int, value: UInt8) {
    self.init(width: width, height: height, values: [UInt8](repeating: value, count: width * height))
  }

  /// White in a rectangle, black around it. What lies outside the picture is cut off.
  public init(rectangle: Rectangle, width: Int, height: Int) {
    var values = [UInt8](repeating: 0, count: width * height)
    let part = rectangle.clamped(width: width, height: height)
    for y in part.y..<part.y + part.height {
      values.replaceSubrange(
        y * width + part.x..<y * width + part.x + part.width, with: repeatElement(255, count: part.width))
    }
    self.init(width: width, height: height, values: values)
  }

  /// A rectangle of pixels.
  public struct Rectangle: Sendable, Hashable {
    /// The left column and the top row.
    public var x, y: Int
    /// Columns and rows.
    public var width, height: Int

    /// A rectangle by its upper left pixel and its size.
    public init(x: Int, y: Int, width: Int, height: Int) {
      (self.x, self.y, self.width, self.height) = (x, y, width, height)
    }

    /// The part within a picture.
    func clamped(width w: Int, height h: Int) -> Rectangle {
      let (left, top) = (max(0, min(w, x)), max(0, min(h, y)))
      let (right, bottom) = (
        max(left, min(w, x.addingClamped(width))), max(top, min(h, y.addingClamped(height)))
      )
      return Rectangle(x: left, y: top, width: right - left, height: bottom - top)
    }
  }

  /// The value in column `x` and row `y`.
  public subscript(x: Int, y: Int) -> UInt8 {
    precondition(0..<width ~= x && 0..<height ~= y, "value (\(x), \(y)) of a \(width)×\(height) mask")
    return values[y * width + x]
  }

  /// The values from 0 (kept) to 1 (painted anew), `[H, W]`.
  public var floats: [Float] { values.map { Float($0) / 255 } }

  /// Whether nothing is to be painted.
  public var isBlack: Bool { values.allSatisfy { $0 == 0 } }

  /// Whether nothing is to be kept.
  public var isWhite: Bool { values.allSatisfy { $0 == 255 } }

  /// The smallest rectangle that holds all that is not black; nil for a black mask.
  public var bounds: Rectangle? {
    var (left, right, top, bottom) = (width, -1, height, -1)
    for y in 0..<height {
      for x in 0..<width where values[y * width + x] != 0 {
        (left, right) = (min(left, x), max(right, x))
        (top, bottom) = (min(top, y), max(bottom, y))
      }
    }
    return right < 0
      ? nil : Rectangle(x: left, y: top, width: right - left + 1, height: bottom - top + 1)
  }

  /// The mask as a grey picture.
  public var picture: Picture {
    Picture(width: width, height: height, pixels: values.flatMap { [$0, $0, $0] })
  }
}

extension Int {
  /// The sum, or the greatest or least number where it would overflow.
  fileprivate func addingClamped(_ other: Int) -> Int {
    let (sum, overflows) = addingReportingOverflow(other)
    return overflows ? (other > 0 ? .max : .min) : sum
  }
}
