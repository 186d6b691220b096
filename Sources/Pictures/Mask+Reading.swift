import Foundation

extension Mask {
  /// A mask from a picture of any kind, and what was done to read it as one.
  public struct Reading: Sendable, Hashable {
    /// The mask.
    public var mask: Mask
    /// What a person might not expect, as `its transparent pixels count as black`; nil for a plain grey picture.
    public var note: String?
  }

  /// Reads a mask file: PNG of any depth and mode, or JPEG.
  ///
  /// - Throws: `PictureError`.
  public static func read(contentsOf url: URL) throws(PictureError) -> Reading {
    let bytes = try DecodedPicture.bytes(of: url)
    let isJPEG = try DecodedPicture.format(of: bytes, file: url.relativePath) == .jpeg
    return Reading(try StoredPicture(bytes: bytes, file: url.relativePath), isJPEG: isJPEG)
  }

  /// The transparency of a picture as a mask: what is transparent is painted anew.
  public init(transparencyOf picture: StoredPicture) {
    self.init(
      width: picture.width, height: picture.height,
      values: (0..<picture.width * picture.height).map { 255 - StoredPicture.byte(picture.color($0).alpha) })
  }
}

extension Mask.Reading {
  /// - Parameter isJPEG: its black and white are then taken as black and white although compression has stirred them.
  public init(_ picture: StoredPicture, isJPEG: Bool = false) {
    let colors = (0..<picture.width * picture.height).map { picture.color($0) }
    var values = colors.map { Self.luminance($0) }
    var notes: [String] = []
    if colors.contains(where: { $0.alpha < .max }) {
      let visible = Set(zip(values, colors).lazy.filter { $0.1.alpha > 0 }.map(\.0))
      if visible.count <= 1 {
        // Strokes of one colour on nothing: that they are there is all they say, be they black or white.
        values = colors.map { StoredPicture.byte($0.alpha) }
        notes.append("its opaque pixels are painted anew, as they have all the same colour")
      } else {
        values = zip(values, colors).map {
          UInt8((UInt32($0) * UInt32(StoredPicture.byte($1.alpha)) + 127) / 255)
        }
        notes.append("its transparent pixels count as black")
      }
    }
    if colors.contains(where: { $0.red != $0.green || $0.green != $0.blue }) {
      notes.append("its colours count by their brightness")
    }
    if isJPEG {
      values = values.map { $0 < Self.jpegSlack ? 0 : $0 > 255 - Self.jpegSlack ? 255 : $0 }
      notes.append("JPEG's near-black counts as black, near-white as white")
    }
    mask = Mask(width: picture.width, height: picture.height, values: values)
    note = notes.isEmpty ? nil : notes.joined(separator: "; ")
  }

  /// Levels by which JPEG's ringing moves flat black and white at usual qualities.
  private static let jpegSlack: UInt8 = 16

  /// The weights of `Picture.luminance`, in 16 bits until the end.
  private static func luminance(_ color: StoredPicture.Color) -> UInt8 {
    let (red, green, blue) = (UInt64(color.red), UInt64(color.green), UInt64(color.blue))
    return StoredPicture.byte(UInt16((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16))
  }
}
