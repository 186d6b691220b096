/// A file's picture with some of it painted anew, and what that did to its mode.
public struct RepaintedPicture: Sendable, Hashable {
  /// The result. Where the mask is black, every pixel has the colour and opacity that it had, and where `picture` has
  /// the mode and depth of the original, the very samples.
  public let picture: StoredPicture
  /// Why it has another mode or depth, or why new pixels lost their hue; nil where there is nothing to say.
  public let note: String?
}

extension StoredPicture {
  /// This picture with new pixels where `mask` is not black, in its own mode and depth where they can hold them.
  ///
  /// A palette without the new colours becomes 8-bit RGB, or RGBA where it has transparency; grey of fewer than 8 bits
  /// without the new levels becomes 8-bit grey; a transparent colour gives way to an alpha channel where a pixel is
  /// to be half transparent. Grey pictures stay grey. New pixels are opaque, and blend with the old by the mask in
  /// proportion to the opacity of both.
  ///
  /// - Parameters:
  ///   - planes: the new pixels `[3, height, width]`, values in [-1, 1].
  ///   - mask: of this picture's size.
  public func repainted(with planes: [Float], mask: Mask) -> RepaintedPicture {
    precondition(mask.width == width && mask.height == height, "a mask of another size")
    precondition(planes.count == 3 * width * height, "\(planes.count) values for \(width)×\(height)")
    let touched = mask.values.indices.filter { mask.values[$0] != 0 }
    guard !touched.isEmpty else { return RepaintedPicture(picture: self, note: nil) }
    let blended = touched.map { blend($0, planes, mask.values[$0]) }
    if mode == .palette { return repaintedPalette(touched, blended) }

    var (mode, depth, notes) = (mode, bitDepth, [String]())
    if mode.isGrey, blended.contains(where: { !$0.isGrey }) {
      notes.append("the new pixels are grey, as the file is")
    }
    if transparentColor != nil, blended.contains(where: { $0.alpha < 1 }) {
      mode = mode == .grey ? .greyAlpha : .rgba
      depth = max(depth, 8)
    } else if depth < 8, blended.contains(where: { !$0.fits(level: top) }) {
      depth = 8
    }
    if mode != self.mode || depth != bitDepth {
      notes.append("\(kind) cannot hold the new pixels")
    }
    var result = converted(to: mode, depth: depth)
    for (index, color) in zip(touched, blended) { result.set(index, color) }
    return RepaintedPicture(
      picture: copy(mode: mode, depth: depth, samples: result.samples, key: result.key),
      note: note(notes, mode: mode, depth: depth))
  }

  /// This picture with those of `picture`, which has its size, where `mask` is not black.
  public func repainted(with picture: Picture, mask: Mask) -> RepaintedPicture {
    repainted(with: picture.planarFloats(), mask: mask)
  }

  private func note(_ notes: [String], mode: Mode, depth: Int) -> String? {
    guard !notes.isEmpty else { return nil }
    let written = StoredPicture(
      width: 1, height: 1, mode: mode, bitDepth: depth, samples: [UInt16](repeating: 0, count: mode.channels))
    let isChanged = mode != self.mode || depth != bitDepth
    return notes.joined(separator: "; ") + (isChanged ? ": written as \(written.kind)" : "")
  }

  private func copy(mode: Mode, depth: Int, samples: [UInt16], key: [UInt16]?) -> StoredPicture {
    var copy = StoredPicture(
      width: width, height: height, mode: mode, bitDepth: depth, samples: samples, transparentColor: key)
    (copy.texts, copy.colorChunks) = (texts, colorChunks)
    return copy
  }

  /// A pixel of colour and opacity from 0 to 1.
  private struct Blend {
    var red, green, blue, alpha: Float

    var isGrey: Bool {
      Samples.quantized(red, 255) == Samples.quantized(green, 255)
        && Samples.quantized(green, 255) == Samples.quantized(blue, 255)
    }

    /// ITU-R 601 luma; what is grey keeps its value to the bit.
    var luma: Float {
      red == green && green == blue ? red : 0.299 * red + 0.587 * green + 0.114 * blue
    }

    /// Whether the luma, to 8 bits, is one of the levels from 0 to `level`.
    func fits(level: UInt16) -> Bool { Samples.quantized(luma, 255) % (255 / level) == 0 }
  }

  /// The mixture of the old pixel and the new, weighed by opacity: a colour that nobody saw does not show through.
  private func blend(_ index: Int, _ planes: [Float], _ weight: UInt8) -> Blend {
    func unit(_ channel: Int) -> Float {
      let value = planes[channel * width * height + index] / 2 + 0.5
      // Every comparison with NaN is false, which makes it 0 here, as in `Picture.init(planarFloats:)`.
      guard value > 0 else { return 0 }
      return min(value, 1)
    }
    let new = (unit(0), unit(1), unit(2))
    guard weight < 255 else { return Blend(red: new.0, green: new.1, blue: new.2, alpha: 1) }
    let (old, weight) = (color(index), Float(weight) / 255)
    let oldShare = (1 - weight) * Float(old.alpha) / 65_535
    let alpha = weight + oldShare
    func mix(_ old: UInt16, _ new: Float) -> Float { (oldShare * Float(old) / 65_535 + weight * new) / alpha }
    return Blend(
      red: mix(old.red, new.0), green: mix(old.green, new.1), blue: mix(old.blue, new.2), alpha: min(alpha, 1)
    )
  }

  /// Samples under way to a mode and depth.
  private struct Samples {
    let mode: Mode
    let top: UInt16
    var samples: [UInt16]
    var key: [UInt16]?

    static func quantized(_ unit: Float, _ top: UInt16) -> UInt16 {
      UInt16(min(unit * Float(top), Float(top)).rounded(.toNearestOrEven))
    }

    mutating func set(_ index: Int, _ color: Blend) {
      var pixel = (mode.isGrey ? [color.luma] : [color.red, color.green, color.blue]).map {
        Self.quantized($0, top)
      }
      if mode.hasAlpha {
        pixel.append(Self.quantized(color.alpha, top))
      } else if pixel == key {
        // A new pixel that happens to have the transparent colour moves one level away from it.
        pixel[pixel.count - 1] = pixel[pixel.count - 1] == 0 ? 1 : pixel[pixel.count - 1] - 1
      }
      samples.replaceSubrange(index * mode.channels..<(index + 1) * mode.channels, with: pixel)
    }
  }

  /// All samples in a mode and depth that hold every present colour exactly.
  private func converted(to mode: Mode, depth: Int) -> Samples {
    let newTop = UInt16(truncatingIfNeeded: 1 << depth - 1)
    let scale = newTop / top
    guard mode != self.mode || depth != bitDepth else {
      return Samples(mode: mode, top: top, samples: samples, key: transparentColor)
    }
    var converted = samples.map { $0 * scale }
    if mode.hasAlpha && !self.mode.hasAlpha {
      converted = (0..<width * height).flatMap { index in
        pixel(index).map { $0 * scale } + [color(index).alpha / (.max / newTop)]
      }
    }
    let key = mode.hasAlpha ? nil : transparentColor.map { $0.map { $0 * scale } }
    return Samples(mode: mode, top: newTop, samples: converted, key: key)
  }

  private func repaintedPalette(_ touched: [Int], _ blended: [Blend]) -> RepaintedPicture {
    func entry(_ color: Blend) -> PaletteEntry {
      func byte(_ unit: Float) -> UInt8 { UInt8(Samples.quantized(unit, 255)) }
      return PaletteEntry(RGB(byte(color.red), byte(color.green), byte(color.blue)), alpha: byte(color.alpha))
    }
    let indices = Dictionary(zip(palette, palette.indices.map { UInt16($0) })) { first, _ in first }
    let known = blended.map { indices[entry($0)] }
    if known.allSatisfy({ $0 != nil }) {
      var samples = samples
      for (index, entry) in zip(touched, known) { samples[index] = entry ?? samples[index] }
      var same = StoredPicture(
        width: width, height: height, mode: mode, bitDepth: bitDepth, samples: samples, palette: palette)
      (same.texts, same.colorChunks) = (texts, colorChunks)
      return RepaintedPicture(picture: same, note: nil)
    }
    let mode: Mode = hasTransparency ? .rgba : .rgb
    var result = Samples(
      mode: mode, top: 255,
      samples: (0..<width * height).flatMap { index in
        let color = color(index)
        return [color.red, color.green, color.blue, color.alpha].prefix(mode.channels).map { $0 / 257 }
      })
    for (index, color) in zip(touched, blended) { result.set(index, color) }
    return RepaintedPicture(
      picture: copy(mode: mode, depth: 8, samples: result.samples, key: nil),
      note: note(["a palette of \(palette.count) colours cannot hold the new pixels"], mode: mode, depth: 8))
  }
}
