import CPNG
import Foundation

enum PNGDecoder {
  /// Decodes a PNG in memory to upright-as-stored RGB; the caller applies the orientation.
  static func decode(
    _ bytes: [UInt8], file: String, options: DecodingOptions
  ) throws(PictureError) -> DecodedPicture {
    try reading(bytes, file: file, limits: options.limits) { (reader, facts) throws(PictureError) in
      try decode(reader, facts, file: file, options: options)
    }
  }

  /// Reads a PNG in memory as it is stored, but upright.
  static func stored(
    _ bytes: [UInt8], file: String, limits: PictureLimits
  ) throws(PictureError) -> StoredPicture {
    var picture = try reading(bytes, file: file, limits: limits) { (reader, facts) throws(PictureError) in
      try stored(reader, facts, file: file)
    }
    picture.colorChunks = PNGChunk.all(in: bytes).prefix { $0.type != "IDAT" }
      .filter { ["cICP", "cHRM", "gAMA", "iCCP", "sRGB", "pHYs"].contains($0.type) }
    return picture
  }

  /// Opens a reader, judges the size and hands both on.
  private static func reading<Result>(
    _ bytes: [UInt8], file: String, limits: PictureLimits,
    _ body: (OpaquePointer, cpng_facts) throws(PictureError) -> Result
  ) throws(PictureError) -> Result {
    try bytes.withUnsafeBufferPointer { (buffer) throws(PictureError) in
      guard let reader = cpng_reader_create(buffer.baseAddress, buffer.count) else {
        throw PictureError(.unreadable(reason: "out of memory"), file: file)
      }
      defer { cpng_reader_destroy(reader) }
      var facts = cpng_facts()
      let status = cpng_reader_facts(reader, &facts)
      guard status == CPNG_OK else { throw PictureError(cause(status, reader), file: file) }
      let (width, height) = (Int(facts.width), Int(facts.height))
      guard limits.admit(width: width, height: height) else {
        throw PictureError(.tooLarge(width: width, height: height, limits: limits), file: file)
      }
      return try body(reader, facts)
    }
  }

  private static func decode(
    _ reader: OpaquePointer, _ facts: cpng_facts, file: String, options: DecodingOptions
  ) throws(PictureError) -> DecodedPicture {
    let (width, height) = (Int(facts.width), Int(facts.height))
    let hasAlpha = facts.has_alpha != 0
    let byteCount = width * height * (hasAlpha ? 4 : 3)
    var failure: PictureError.Cause?
    let stored = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
      let status = cpng_reader_pixels(reader, buffer.baseAddress)
      if status == CPNG_OK { count = byteCount } else { failure = cause(status, reader) }
    }
    if let failure { throw PictureError(failure, file: file) }

    var decoded = DecodedPicture(
      picture: Picture(
        width: width, height: height,
        pixels: hasAlpha ? composite(stored, over: options.background) : stored),
      format: .png, bitDepth: Int(facts.bit_depth),
      orientation: orientation(reader))
    decoded.hadAlpha = hasAlpha
    decoded.wasGrey = facts.is_grey != 0
    decoded.texts = texts(reader)
    return decoded
  }

  private static func stored(
    _ reader: OpaquePointer, _ facts: cpng_facts, file: String
  ) throws(PictureError) -> StoredPicture {
    var layout = cpng_layout()
    var status = cpng_reader_layout(reader, &layout)
    guard status == CPNG_OK, let mode = StoredPicture.Mode(pngColorType: layout.color_type) else {
      throw PictureError(cause(status, reader), file: file)
    }
    guard mode != .palette || layout.palette_count > 0 else {
      throw PictureError(.damaged(format: .png, reason: "its palette is empty"), file: file)
    }
    let sampleCount = Int(facts.width) * Int(facts.height) * mode.channels
    func read<Sample>(_: Sample.Type) -> [Sample] {
      [Sample](unsafeUninitializedCapacity: sampleCount) { buffer, count in
        status = cpng_reader_samples(reader, buffer.baseAddress)
        if status == CPNG_OK { count = sampleCount }
      }
    }
    let samples = layout.bit_depth == 16 ? read(UInt16.self) : read(UInt8.self).map { UInt16($0) }
    guard status == CPNG_OK else { throw PictureError(cause(status, reader), file: file) }

    let colors = withUnsafeBytes(of: layout.palette) { Array($0.prefix(3 * Int(layout.palette_count))) }
    let alphas = withUnsafeBytes(of: layout.palette_alpha) {
      Array($0.prefix(Int(layout.palette_alpha_count)))
    }
    let palette = (0..<Int(layout.palette_count)).map { entry in
      StoredPicture.PaletteEntry(
        RGB(colors[3 * entry], colors[3 * entry + 1], colors[3 * entry + 2]),
        alpha: entry < alphas.count ? alphas[entry] : 255)
    }
    // Bits above the depth do not count (PNG specification, 11.3.1.1).
    let key = [layout.key.0, layout.key.1, layout.key.2].prefix(mode.channels)
      .map { $0 & UInt16(truncatingIfNeeded: 1 << layout.bit_depth - 1) }
    var picture = StoredPicture(
      width: Int(facts.width), height: Int(facts.height), mode: mode, bitDepth: Int(layout.bit_depth),
      samples: samples, palette: palette, transparentColor: layout.has_key != 0 ? key : nil)
    picture.texts = texts(reader)
    return picture.applying(orientation(reader))
  }

  private static func orientation(_ reader: OpaquePointer) -> Orientation {
    var count = 0
    let exif = cpng_reader_exif(reader, &count)
    return EXIF(UnsafeBufferPointer(start: exif, count: count))?.orientation ?? .upright
  }

  private static func texts(_ reader: OpaquePointer) -> [TextChunk] {
    (0..<cpng_reader_text_count(reader)).map { text(cpng_reader_text(reader, $0)) }
  }

  /// `alpha·colour + (1 - alpha)·background`, rounded to nearest, for interleaved RGBA.
  private static func composite(_ rgba: [UInt8], over background: RGB) -> [UInt8] {
    let ground = [UInt32(background.red), UInt32(background.green), UInt32(background.blue)]
    return rgba.withUnsafeBufferPointer { source in
      ground.withUnsafeBufferPointer { ground in
        [UInt8](unsafeUninitializedCapacity: rgba.count / 4 * 3) { target, count in
          for pixel in 0..<rgba.count / 4 {
            let alpha = UInt32(source[4 * pixel + 3])
            for channel in 0..<3 {
              let mixed = UInt32(source[4 * pixel + channel]) * alpha + ground[channel] * (255 - alpha)
              target[3 * pixel + channel] = UInt8((mixed + 127) / 255)
            }
          }
          count = rgba.count / 4 * 3
        }
      }
    }
  }

  private static func text(_ chunk: cpng_text) -> TextChunk {
    let keyword = UnsafeRawBufferPointer(start: chunk.keyword, count: chunk.keyword.map(strlen) ?? 0)
    let bytes = UnsafeRawBufferPointer(start: chunk.text, count: chunk.text == nil ? 0 : chunk.count)
    return TextChunk(
      keyword: Latin1.decode(keyword),
      text: chunk.is_utf8 != 0 ? String(decoding: bytes, as: UTF8.self) : Latin1.decode(bytes))
  }

  private static func cause(_ status: cpng_status, _ reader: OpaquePointer) -> PictureError.Cause {
    switch status {
    case CPNG_TRUNCATED: .truncated(format: .png)
    case CPNG_NO_MEMORY: .unreadable(reason: "out of memory")
    default: .damaged(format: .png, reason: String(cString: cpng_reader_error(reader)))
    }
  }
}
