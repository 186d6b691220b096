import CPNG
import Foundation

enum PNGDecoder {
  /// Decodes a PNG in memory to upright-as-stored RGB; the caller applies the orientation.
  static func decode(
    _ bytes: [UInt8], file: String, options: DecodingOptions
  ) throws(PictureError) -> DecodedPicture {
    try bytes.withUnsafeBufferPointer { (buffer) throws(PictureError) in
      guard let reader = cpng_reader_create(buffer.baseAddress, buffer.count) else {
        throw PictureError(.unreadable(reason: "out of memory"), file: file)
      }
      defer { cpng_reader_destroy(reader) }
      return try decode(reader, file: file, options: options)
    }
  }

  private static func decode(
    _ reader: OpaquePointer, file: String, options: DecodingOptions
  ) throws(PictureError) -> DecodedPicture {
    var facts = cpng_facts()
    let status = cpng_reader_facts(reader, &facts)
    guard status == CPNG_OK else { throw PictureError(cause(status, reader), file: file) }
    let (width, height) = (Int(facts.width), Int(facts.height))
    guard options.limits.admit(width: width, height: height) else {
      throw PictureError(.tooLarge(width: width, height: height, limits: options.limits), file: file)
    }

    let hasAlpha = facts.has_alpha != 0
    let byteCount = width * height * (hasAlpha ? 4 : 3)
    var failure: PictureError.Cause?
    let stored = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
      let status = cpng_reader_pixels(reader, buffer.baseAddress)
      if status == CPNG_OK { count = byteCount } else { failure = cause(status, reader) }
    }
    if let failure { throw PictureError(failure, file: file) }

    var exifCount = 0
    let exif = cpng_reader_exif(reader, &exifCount)
    var decoded = DecodedPicture(
      picture: Picture(
        width: width, height: height,
        pixels: hasAlpha ? composite(stored, over: options.background) : stored),
      format: .png, bitDepth: Int(facts.bit_depth),
      orientation: Orientation(exif: UnsafeBufferPointer(start: exif, count: exifCount)) ?? .upright)
    decoded.hadAlpha = hasAlpha
    decoded.wasGrey = facts.is_grey != 0
    decoded.texts = (0..<cpng_reader_text_count(reader)).map { text(cpng_reader_text(reader, $0)) }
    return decoded
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
