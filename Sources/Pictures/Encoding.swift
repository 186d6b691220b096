import CJPEG
import CPNG
import Files
import Foundation

extension Picture {
  /// This picture as the bytes of a PNG: 8-bit RGB, the same bytes for the same picture and texts.
  ///
  /// - Parameters:
  ///   - texts: written as `tEXt` where Latin-1 suffices, else as `iTXt`, in this order.
  ///   - file: the name for errors.
  /// - Throws: `PictureError` with `.unusableText` or `.unencodable`.
  public func pngData(texts: [TextChunk] = [], file: String = "the PNG") throws(PictureError) -> Data {
    var layout = cpng_layout()
    (layout.width, layout.height) = (UInt32(width), UInt32(height))
    (layout.bit_depth, layout.color_type) = (8, StoredPicture.Mode.rgb.pngColorType)
    return try PNGEncoder.encode(layout, pixels, texts: texts, file: file)
  }

  /// This picture as the bytes of a JPEG (JFIF). From quality 90 on colour keeps its full resolution; below,
  /// it is halved in both directions.
  ///
  /// - Parameters:
  ///   - quality: 1 to 100; 95 is hardly told from the original.
  ///   - texts: `parameters` goes into EXIF's user comment, where the web UI has it; any other into a comment segment.
  ///   - file: the name for errors.
  /// - Throws: `PictureError` with `.unencodable`, as for sides beyond JPEG's 65,500, or `.unusableText`, as for
  ///   texts beyond 64 KB.
  public func jpegData(
    quality: Int = 95, texts: [TextChunk] = [], file: String = "the JPEG"
  ) throws(PictureError) -> Data {
    precondition(1...100 ~= quality, "JPEG quality \(quality) is not in 1...100")
    let segments = try JPEGTexts.segments(texts, file: file)
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    var error = [CChar](repeating: 0, count: 256)
    let status = cjpeg_encode(
      pixels, UInt32(width), UInt32(height), Int32(quality), &bytes, &count, &error)
    guard status == CJPEG_OK, let bytes else { throw Self.unencodable(error, file) }
    var data = Data(bytesNoCopy: bytes, count: count, deallocator: .free)
    // Behind the start marker and libjpeg's JFIF segment, which is to come first.
    data.insert(contentsOf: segments.flatMap(\.bytes), at: 2 + 2 + (Int(data[4]) << 8 | Int(data[5])))
    return data
  }

  /// Encodes by the extension of `url` and writes the file whole or not at all.
  ///
  /// - Parameters:
  ///   - url: ends in `.png`, or in `.jpg` or one of its variants.
  ///   - texts: what the file is to say of itself.
  ///   - jpegQuality: 1 to 100.
  /// - Throws: `PictureError` where the picture cannot be encoded, `FileError` where it cannot be written.
  public func write(to url: URL, texts: [TextChunk] = [], jpegQuality: Int = 95) throws {
    let file = url.relativePath
    switch PictureFormat(extension: url.pathExtension) {
    case .png: try AtomicFile.write(pngData(texts: texts, file: file), to: url)
    case .jpeg: try AtomicFile.write(jpegData(quality: jpegQuality, texts: texts, file: file), to: url)
    case nil: throw PictureError(.unknownExtension, file: file)
    }
  }

  private static func unencodable(_ reason: UnsafePointer<CChar>, _ file: String) -> PictureError {
    PictureError(.unencodable(reason: String(cString: reason)), file: file)
  }
}
