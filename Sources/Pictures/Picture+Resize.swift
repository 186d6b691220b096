/// Which part of a picture is kept where its aspect ratio differs from the wanted one.
public enum Crop: Sendable, Hashable {
  /// The middle, with torchvision's rounding.
  case center
  /// A place given by fractions of the room there is: (0, 0) is the upper left, (1, 1) the lower right. For a
  /// random crop, both are uniform in [0, 1).
  case at(x: Double, y: Double)

  /// The first kept pixel when `size` of `full` are kept.
  func offset(full: Int, size: Int, axis: KeyPath<(x: Double, y: Double), Double>) -> Int {
    switch self {
    case .center: return Int((Double(full - size) / 2).rounded(.toNearestOrEven))
    case .at(let x, let y):
      // A fraction of the count of places, so that each is equally likely.
      let fraction = (x: x, y: y)[keyPath: axis]
      precondition(0...1 ~= fraction, "crop at \(fraction), not in [0, 1]")
      return min(Int(fraction * Double(full - size + 1)), full - size)
    }
  }
}

extension Picture {
  /// This picture at another size, its aspect ratio not kept.
  ///
  /// - Parameters:
  ///   - width: at least 1.
  ///   - height: at least 1.
  ///   - filter: `.bicubic` suits photographs both ways; `.box` keeps hard pixels hard.
  public func resized(width: Int, height: Int, filter: ResizeFilter = .bicubic) -> Picture {
    resized(fullWidth: width, columns: 0..<width, fullHeight: height, rows: 0..<height, filter: filter)
  }

  /// This picture scaled until it just covers `width × height`, then cropped to it.
  ///
  /// With a square this is torchvision's `Resize(size)` followed by a crop. Only the kept part is computed, so
  /// that a picture of 40,000×10 does not swell to gigabytes on its way to a square.
  public func resizedToFill(
    width: Int, height: Int, filter: ResizeFilter = .bicubic, crop: Crop = .center
  ) -> Picture {
    precondition(width > 0 && height > 0, "a picture of \(width)×\(height)")
    // The side that limits is hit exactly; the other is truncated as torchvision does.
    let widthLimits = self.width * height <= self.height * width
    let fullWidth = widthLimits ? width : max(width, self.width * height / self.height)
    let fullHeight = widthLimits ? max(height, self.height * width / self.width) : height
    let x = crop.offset(full: fullWidth, size: width, axis: \.x)
    let y = crop.offset(full: fullHeight, size: height, axis: \.y)
    return resized(
      fullWidth: fullWidth, columns: x..<x + width, fullHeight: fullHeight, rows: y..<y + height,
      filter: filter)
  }

  /// The part of `width × height` pixels whose upper left pixel is (`x`, `y`); it must lie inside.
  public func cropped(x: Int, y: Int, width: Int, height: Int) -> Picture {
    precondition(
      x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= self.width && y + height <= self.height,
      "crop \(width)×\(height) at (\(x), \(y)) of \(self.width)×\(self.height)")
    var part: [UInt8] = []
    part.reserveCapacity(width * height * 3)
    for row in y..<y + height {
      let start = (row * self.width + x) * 3
      part += pixels[start..<start + width * 3]
    }
    return Picture(width: width, height: height, pixels: part)
  }

  /// The part of `width × height` pixels at a relative place; it must not be larger than the picture.
  public func cropped(width: Int, height: Int, at crop: Crop = .center) -> Picture {
    precondition(width <= self.width && height <= self.height, "crop larger than the picture")
    return cropped(
      x: crop.offset(full: self.width, size: width, axis: \.x),
      y: crop.offset(full: self.height, size: height, axis: \.y), width: width, height: height)
  }

  /// The given columns and rows of this picture at `fullWidth × fullHeight`: rows first, then columns, with
  /// 8 bits between, as Pillow does.
  private func resized(
    fullWidth: Int, columns: Range<Int>, fullHeight: Int, rows: Range<Int>, filter: ResizeFilter
  ) -> Picture {
    precondition(!columns.isEmpty && !rows.isEmpty, "a picture of \(columns.count)×\(rows.count)")
    let horizontal = ResamplingTable(
      filter: filter, sourceSize: width, fullSize: fullWidth, range: columns)
    let vertical = ResamplingTable(filter: filter, sourceSize: height, fullSize: fullHeight, range: rows)
    let needed = vertical.sourceRange
    // A pass that keeps every pixel where it is has weights of exactly one: skipping it changes nothing.
    var result = pixels
    if fullWidth != width || columns != 0..<width {
      result = Self.resampleRows(of: pixels, width: width, rows: needed, table: horizontal)
    } else if needed != 0..<height {
      result = Array(pixels[needed.lowerBound * width * 3..<needed.upperBound * width * 3])
    }
    if fullHeight != height || rows != 0..<height {
      let rowBytes = columns.count * 3
      result = Self.resampleColumns(
        of: result, rowBytes: rowBytes, first: needed.lowerBound, table: vertical)
    }
    return Picture(width: columns.count, height: rows.count, pixels: result)
  }

  private static let rounding = Int32(1) << (ResamplingTable.fractionBits - 1)

  private static func clamped(_ sum: Int32) -> UInt8 {
    UInt8(truncatingIfNeeded: max(0, min(255, sum >> ResamplingTable.fractionBits)))
  }

  private static func resampleRows(
    of pixels: [UInt8], width: Int, rows: Range<Int>, table: ResamplingTable
  ) -> [UInt8] {
    let count = rows.count * table.starts.count * 3
    return pixels.withUnsafeBufferPointer { source in
      table.weights.withUnsafeBufferPointer { weights in
        [UInt8](unsafeUninitializedCapacity: count) { target, written in
          for row in rows {
            for position in table.starts.indices {
              var (red, green, blue) = (rounding, rounding, rounding)
              var from = (row * width + table.starts[position]) * 3
              for index in 0..<table.counts[position] {
                let weight = weights[position * table.stride + index]
                red &+= weight &* Int32(source[from])
                green &+= weight &* Int32(source[from + 1])
                blue &+= weight &* Int32(source[from + 2])
                from += 3
              }
              target[written] = clamped(red)
              target[written + 1] = clamped(green)
              target[written + 2] = clamped(blue)
              written += 3
            }
          }
        }
      }
    }
  }

  /// - Parameter first: the source row that `pixels` starts with.
  private static func resampleColumns(
    of pixels: [UInt8], rowBytes: Int, first: Int, table: ResamplingTable
  ) -> [UInt8] {
    let count = table.starts.count * rowBytes
    // A whole row of sums at a time walks the memory in order.
    var sums = [Int32](repeating: 0, count: rowBytes)
    return [UInt8](unsafeUninitializedCapacity: count) { target, written in
      for position in table.starts.indices {
        sums.withUnsafeMutableBufferPointer { sums in
          pixels.withUnsafeBufferPointer { source in
            sums.update(repeating: rounding)
            for index in 0..<table.counts[position] {
              let weight = table.weights[position * table.stride + index]
              let from = (table.starts[position] + index - first) * rowBytes
              for byte in 0..<rowBytes { sums[byte] &+= weight &* Int32(source[from + byte]) }
            }
            for byte in 0..<rowBytes { target[written + byte] = clamped(sums[byte]) }
          }
        }
        written += rowBytes
      }
    }
  }
}

extension Picture {
  /// Each pixel as a square of `factor` pixels.
  public func enlarged(_ factor: Int) -> Picture {
    precondition(factor > 0, "enlarged by \(factor)")
    var rows: [UInt8] = []
    rows.reserveCapacity(pixels.count * factor * factor)
    for y in 0..<height {
      let row = (0..<width * factor).flatMap { x -> ArraySlice<UInt8> in
        let at = (y * width + x / factor) * 3
        return pixels[at..<at + 3]
      }
      for _ in 0..<factor { rows += row }
    }
    return Picture(width: width * factor, height: height * factor, pixels: rows)
  }
}
