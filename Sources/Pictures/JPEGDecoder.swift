import CJPEG

enum JPEGDecoder {
  /// Decodes a JPEG in memory to upright-as-stored RGB; the caller applies the orientation.
  static func decode(
    _ bytes: [UInt8], file: String, options: DecodingOptions
  ) throws(PictureError) -> DecodedPicture {
    try bytes.withUnsafeBufferPointer { (buffer) throws(PictureError) in
      guard let reader = cjpeg_reader_create(buffer.baseAddress, buffer.count) else {
        throw PictureError(.unreadable(reason: "out of memory"), file: file)
      }
      defer { cjpeg_reader_destroy(reader) }
      var decoded = try decode(reader, file: file, options: options)
      let segments = JPEGSegment.all(in: bytes)
      let exif = segments.first(where: \.isEXIF).flatMap { EXIF($0.data) }
      decoded.orientation = exif?.orientation ?? .upright
      decoded.texts = JPEGTexts.texts(in: segments, exif: exif)
      return decoded
    }
  }

  private static func decode(
    _ reader: OpaquePointer, file: String, options: DecodingOptions
  ) throws(PictureError) -> DecodedPicture {
    var facts = cjpeg_facts()
    let status = cjpeg_reader_facts(reader, &facts)
    guard status == CJPEG_OK else { throw PictureError(cause(status, reader), file: file) }
    let (width, height) = (Int(facts.width), Int(facts.height))
    guard options.limits.admit(width: width, height: height) else {
      throw PictureError(.tooLarge(width: width, height: height, limits: options.limits), file: file)
    }

    var failure: PictureError.Cause?
    let pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { buffer, count in
      let status = cjpeg_reader_pixels(reader, buffer.baseAddress)
      if status == CJPEG_OK { count = width * height * 3 } else { failure = cause(status, reader) }
    }
    if let failure { throw PictureError(failure, file: file) }

    var decoded = DecodedPicture(
      picture: Picture(width: width, height: height, pixels: pixels),
      format: .jpeg, bitDepth: 8, orientation: .upright)
    decoded.wasGrey = facts.components == 1
    decoded.wasCMYK = facts.components == 4
    return decoded
  }

  private static func cause(_ status: cjpeg_status, _ reader: OpaquePointer) -> PictureError.Cause {
    let reason = String(cString: cjpeg_reader_error(reader))
    return switch status {
    case CJPEG_TRUNCATED: .truncated(format: .jpeg)
    case CJPEG_UNSUPPORTED: .unsupported(format: .jpeg, reason: reason)
    case CJPEG_NO_MEMORY: .unreadable(reason: "out of memory")
    default: .damaged(format: .jpeg, reason: reason)
    }
  }
}
