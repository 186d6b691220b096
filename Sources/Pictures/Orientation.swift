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
  /// The orientation in an EXIF block: a TIFF structure in either byte order, with or without the `Exif\0\0`
  /// that JPEG puts before it. Nil where there is none or it makes no sense: files with broken EXIF are
  /// common, and every other program shows them as stored.
  init?(exif: some Collection<UInt8>) {
    var bytes = Array(exif)
    if bytes.starts(with: Array("Exif".utf8)) { bytes.removeFirst(min(6, bytes.count)) }
    let isBigEndian: Bool
    switch bytes.prefix(2) {
    case [0x4D, 0x4D]: isBigEndian = true
    case [0x49, 0x49]: isBigEndian = false
    default: return nil
    }

    func integer(at offset: Int, bytes count: Int) -> Int? {
      guard offset >= 0, offset <= bytes.count - count else { return nil }
      let field = bytes[offset..<offset + count]
      return isBigEndian
        ? field.reduce(0) { $0 << 8 | Int($1) } : field.reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    guard integer(at: 2, bytes: 2) == 42,
      let directory = integer(at: 4, bytes: 4),
      let entryCount = integer(at: directory, bytes: 2)
    else { return nil }
    for entry in 0..<entryCount {
      // 12 bytes an entry: tag, type, count, and the value where it fits into 4 bytes.
      let start = directory + 2 + 12 * entry
      guard let tag = integer(at: start, bytes: 2) else { return nil }
      if tag == 0x0112 {
        guard let value = integer(at: start + 8, bytes: 2) else { return nil }
        self.init(rawValue: value)
        return
      }
    }
    return nil
  }
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
