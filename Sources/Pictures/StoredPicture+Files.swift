import CPNG
import Files
import Foundation

extension StoredPicture {
  /// Reads a PNG, or a JPEG as what it decodes to: 8-bit RGB or grey. The EXIF orientation is applied.
  ///
  /// - Throws: `PictureError`, as `DecodedPicture` does.
  public init(contentsOf url: URL, limits: PictureLimits = PictureLimits()) throws(PictureError) {
    try self.init(bytes: DecodedPicture.bytes(of: url), file: url.relativePath, limits: limits)
  }

  /// Reads a file that is in memory.
  ///
  /// - Parameter file: its name, for errors.
  /// - Throws: `PictureError`.
  public init(
    bytes: [UInt8], file: String, limits: PictureLimits = PictureLimits()
  ) throws(PictureError) {
    switch try DecodedPicture.format(of: bytes, file: file) {
    case .png:
      self = try PNGDecoder.stored(bytes, file: file, limits: limits)
    case .jpeg:
      let decoded = try DecodedPicture(bytes: bytes, file: file, options: DecodingOptions(limits: limits))
      let picture = decoded.picture
      let samples =
        decoded.wasGrey
        ? stride(from: 0, to: picture.pixels.count, by: 3).map { UInt16(picture.pixels[$0]) }
        : picture.pixels.map { UInt16($0) }
      self.init(
        width: picture.width, height: picture.height, mode: decoded.wasGrey ? .grey : .rgb, bitDepth: 8,
        samples: samples)
      texts = decoded.texts
    }
  }

  /// This picture as the bytes of a PNG of its own mode and depth, colour profile included.
  ///
  /// - Parameters:
  ///   - texts: written in this order; those that the picture came with are its `texts`.
  ///   - file: the name for errors.
  /// - Throws: `PictureError` with `.unusableText` or `.unencodable`.
  public func pngData(texts: [TextChunk] = [], file: String = "the PNG") throws(PictureError) -> Data {
    let chunks = colorChunks.flatMap(\.bytes)
    if bitDepth == 16 {
      return try PNGEncoder.encode(layout, samples, chunks: chunks, texts: texts, file: file)
    }
    return try PNGEncoder.encode(
      layout, samples.map { UInt8(truncatingIfNeeded: $0) }, chunks: chunks, texts: texts, file: file)
  }

  /// Writes a PNG, whole or not at all.
  ///
  /// - Throws: `PictureError` where the picture cannot be encoded or `url` does not end in `.png`, `FileError`
  ///   where it cannot be written.
  public func write(to url: URL, texts: [TextChunk] = []) throws {
    let file = url.relativePath
    guard PictureFormat(extension: url.pathExtension) == .png else {
      throw PictureError(.unknownExtension, file: file)
    }
    try AtomicFile.write(pngData(texts: texts, file: file), to: url)
  }

  private var layout: cpng_layout {
    var layout = cpng_layout()
    (layout.width, layout.height) = (UInt32(width), UInt32(height))
    layout.bit_depth = Int32(bitDepth)
    layout.color_type = mode.pngColorType
    // An index without a colour reads as black; a PNG has to have one for it.
    let needed = mode == .palette ? Int(samples.max() ?? 0) + 1 : 0
    let colors =
      palette + [PaletteEntry](repeating: PaletteEntry(.black), count: max(0, needed - palette.count))
    layout.palette_count = Int32(colors.count)
    withUnsafeMutableBytes(of: &layout.palette) { bytes in
      for (index, entry) in colors.enumerated() {
        (bytes[3 * index], bytes[3 * index + 1]) = (entry.color.red, entry.color.green)
        bytes[3 * index + 2] = entry.color.blue
      }
    }
    let alphas = colors.lastIndex { $0.alpha < 255 }.map { colors[...$0].map(\.alpha) } ?? []
    layout.palette_alpha_count = Int32(alphas.count)
    withUnsafeMutableBytes(of: &layout.palette_alpha) { $0.copyBytes(from: alphas) }
    if let key = transparentColor {
      layout.has_key = 1
      layout.key = mode.isGrey ? (key[0], 0, 0) : (key[0], key[1], key[2])
    }
    return layout
  }

  /// This picture as `orientation` says it is to be shown.
  func applying(_ orientation: Orientation) -> StoredPicture {
    let turned = orientation.rearranged(samples, channels: mode.channels, width: width, height: height)
    let sides = orientation.swapsSides ? (height, width) : (width, height)
    var result = StoredPicture(
      width: sides.0, height: sides.1, mode: mode, bitDepth: bitDepth, samples: turned, palette: palette,
      transparentColor: transparentColor)
    (result.texts, result.colorChunks) = (texts, colorChunks)
    return result
  }
}

extension StoredPicture.Mode {
  /// The mode's number in a PNG's header.
  var pngColorType: Int32 {
    switch self {
    case .grey: 0
    case .rgb: 2
    case .palette: 3
    case .greyAlpha: 4
    case .rgba: 6
    }
  }

  init?(pngColorType: Int32) {
    guard let mode = Self.allCases.first(where: { $0.pngColorType == pngColorType }) else { return nil }
    self = mode
  }
}
