/// How a stored picture is to be turned before it is shown: the EXIF tag 0x0112, values 1 to 8.
public enum Orientation: Int, Sendable, Hashable, CaseIterable, Codable {
  /// Shown as stored.
  case upright = 1
  /// Mirrored left to right.
  case mirrored
  /// Turned by 180°.
  case upsideDown
  /// Mirrored top to bottom.
  case flipped
  /// Mirrored along the diagonal from the upper left.
  case transposed
  /// To be turned by 90° clockwise.
  case turnedLeft
  /// Mirrored along the diagonal from the upper right.
  case transversed
  /// To be turned by 90° anticlockwise.
  case turnedRight

  /// Whether showing the picture swaps its width and height.
  public var swapsSides: Bool { rawValue >= 5 }
}

extension Orientation {
  /// Interleaved samples as they are to be shown.
  func rearranged<Sample>(_ samples: [Sample], channels: Int, width: Int, height: Int) -> [Sample] {
    // The pixel shown at (x, y) is the stored one with the index `origin + x·xStep + y·yStep`.
    let (w, h) = (width, height)
    let (origin, xStep, yStep) =
      switch self {
      case .upright: (0, 1, w)
      case .mirrored: (w - 1, -1, w)
      case .upsideDown: (w * h - 1, -1, -w)
      case .flipped: (w * (h - 1), 1, -w)
      case .transposed: (0, w, 1)
      case .turnedLeft: (w * (h - 1), -w, 1)
      case .transversed: (w * h - 1, -w, -1)
      case .turnedRight: (w - 1, w, -1)
      }
    if self == .upright { return samples }
    let (newWidth, newHeight) = swapsSides ? (h, w) : (w, h)
    return samples.withUnsafeBufferPointer { source in
      [Sample](unsafeUninitializedCapacity: samples.count) { target, count in
        var index = 0
        for y in 0..<newHeight {
          var from = channels * (origin + y * yStep)
          for _ in 0..<newWidth {
            for channel in 0..<channels {
              target.initializeElement(at: index + channel, to: source[from + channel])
            }
            index += channels
            from += channels * xStep
          }
        }
        count = index
      }
    }
  }
}

extension Picture {
  /// This picture as `orientation` says it is to be shown.
  public func applying(_ orientation: Orientation) -> Picture {
    let (newWidth, newHeight) = orientation.swapsSides ? (height, width) : (width, height)
    return Picture(
      width: newWidth, height: newHeight,
      pixels: orientation.rearranged(pixels, channels: 3, width: width, height: height))
  }

  /// The mirror image, left for right.
  public func flippedHorizontally() -> Picture { applying(.mirrored) }
}
