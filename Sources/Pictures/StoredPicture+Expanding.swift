/// How many pixels a picture grows by at each side.
public struct Margins: Sendable, Hashable {
  /// In pixels, at least 0.
  public var left, top, right, bottom: Int

  /// Margins; none unless given.
  public init(left: Int = 0, top: Int = 0, right: Int = 0, bottom: Int = 0) {
    (self.left, self.top, self.right, self.bottom) = (left, top, right, bottom)
  }
}

extension StoredPicture {
  /// This picture with margins that repeat its border, in its own mode and depth; its own pixels keep their samples.
  public func expanded(by margins: Margins) -> StoredPicture {
    let (w, h) = (margins.left + width + margins.right, margins.top + height + margins.bottom)
    var samples: [UInt16] = []
    samples.reserveCapacity(w * h * mode.channels)
    for y in 0..<h {
      let row = max(0, min(height - 1, y - margins.top)) * width
      for x in 0..<w { samples += pixel(row + max(0, min(width - 1, x - margins.left))) }
    }
    var result = StoredPicture(
      width: w, height: h, mode: mode, bitDepth: bitDepth, samples: samples, palette: palette,
      transparentColor: transparentColor)
    (result.texts, result.colorChunks) = (texts, colorChunks)
    return result
  }
}

extension Mask {
  /// This mask with margins that are painted anew.
  public func expanded(by margins: Margins) -> Mask {
    let (w, h) = (margins.left + width + margins.right, margins.top + height + margins.bottom)
    var values = [UInt8](repeating: 255, count: w * h)
    for y in 0..<height {
      let at = (y + margins.top) * w + margins.left
      values.replaceSubrange(at..<at + width, with: self.values[y * width..<(y + 1) * width])
    }
    return Mask(width: w, height: h, values: values)
  }

  /// The part in a rectangle, which must lie inside.
  public func cropped(_ part: Rectangle) -> Mask {
    Mask(
      width: part.width, height: part.height,
      values: (part.y..<part.y + part.height).flatMap { y in
        values[y * width + part.x..<y * width + part.x + part.width]
      })
  }

  /// Where either paints.
  public func united(with other: Mask) -> Mask {
    precondition(width == other.width && height == other.height, "masks of two sizes")
    return Mask(width: width, height: height, values: zip(values, other.values).map { max($0, $1) })
  }
}

extension Mask.Rectangle {
  /// This rectangle with a padding around it, grown where there is room to the proportions of `width` to `height`, within a
  /// picture.
  public func padded(by padding: Int, proportions: (width: Int, height: Int), within w: Int, _ h: Int)
    -> Mask.Rectangle
  {
    var part = Mask.Rectangle(
      x: x - padding, y: y - padding, width: width + 2 * padding, height: height + 2 * padding
    ).clamped(width: w, height: h)
    let wide = min(w, (part.height * proportions.width + proportions.height - 1) / proportions.height)
    let high = min(h, (part.width * proportions.height + proportions.width - 1) / proportions.width)
    if wide > part.width {
      part.x = max(0, min(w - wide, part.x - (wide - part.width) / 2))
      part.width = wide
    } else if high > part.height {
      part.y = max(0, min(h - high, part.y - (high - part.height) / 2))
      part.height = high
    }
    return part
  }
}
