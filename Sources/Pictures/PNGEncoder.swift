import CPNG
import Foundation

enum PNGEncoder {
  /// A PNG of samples laid out as `layout` says: `UInt8`, or `UInt16` where its depth is 16.
  ///
  /// - Parameters:
  ///   - chunks: whole chunks for the place before the palette.
  ///   - texts: written as `tEXt` where Latin-1 suffices, else as `iTXt`, in this order.
  ///   - file: the name for errors.
  /// - Throws: `PictureError` with `.unusableText` or `.unencodable`.
  static func encode<Sample: FixedWidthInteger>(
    _ layout: cpng_layout, _ samples: [Sample], chunks: [UInt8] = [], texts: [TextChunk], file: String
  ) throws(PictureError) -> Data {
    precondition(MemoryLayout<Sample>.size == (layout.bit_depth == 16 ? 2 : 1))
    guard let writer = cpng_writer_create() else {
      throw PictureError(.unencodable(reason: "out of memory"), file: file)
    }
    defer { cpng_writer_destroy(writer) }
    for chunk in texts {
      if let flaw = chunk.flaw {
        throw PictureError(.unusableText(keyword: chunk.keyword, reason: flaw), file: file)
      }
      let latin1 = Latin1.encode(chunk.text)
      let status = cpng_writer_add_text(
        writer, cString(Latin1.encode(chunk.keyword) ?? []), cString(latin1 ?? Array(chunk.text.utf8)),
        latin1 == nil ? 1 : 0)
      guard status == CPNG_OK else { throw unencodable(writer, file) }
    }
    var layout = layout
    guard cpng_writer_encode(writer, &layout, samples, chunks, chunks.count) == CPNG_OK else {
      throw unencodable(writer, file)
    }
    var count = 0
    guard let bytes = cpng_writer_bytes(writer, &count) else { return Data() }
    return Data(bytes: bytes, count: count)
  }

  private static func cString(_ bytes: [UInt8]) -> [CChar] { bytes.map(CChar.init(bitPattern:)) + [0] }

  private static func unencodable(_ writer: OpaquePointer, _ file: String) -> PictureError {
    PictureError(.unencodable(reason: String(cString: cpng_writer_error(writer))), file: file)
  }
}
