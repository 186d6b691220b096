/// The file formats that are read and written.
public enum PictureFormat: String, Sendable, Hashable, CaseIterable, Codable {
  /// Portable Network Graphics.
  case png
  /// JPEG, in a JFIF or EXIF file.
  case jpeg

  /// The name as people write it.
  public var name: String {
    switch self {
    case .png: "PNG"
    case .jpeg: "JPEG"
    }
  }

  /// File name extensions in lower case, the usual one first.
  public var extensions: [String] {
    switch self {
    case .png: ["png"]
    case .jpeg: ["jpg", "jpeg", "jpe", "jfif"]
    }
  }

  /// The format that a file name extension (without the dot, in any case) promises.
  public init?(extension name: String) {
    let name = name.lowercased()
    guard let format = Self.allCases.first(where: { $0.extensions.contains(name) }) else { return nil }
    self = format
  }
}

/// What the first bytes of a file say it is, whatever its name says.
enum Signature: Equatable {
  case picture(PictureFormat)
  case foreign(String)
  case text
  case unknown

  private static let foreignSignatures: [(offset: Int, bytes: [UInt8], name: String)] = [
    (0, Array("GIF8".utf8), "GIF"),
    (8, Array("WEBP".utf8), "WebP"),
    (0, Array("BM".utf8), "BMP"),
    (0, [0x49, 0x49, 0x2A, 0x00], "TIFF"),
    (0, [0x4D, 0x4D, 0x00, 0x2A], "TIFF"),
    (4, Array("ftypavif".utf8), "AVIF"),
    (4, Array("ftypheic".utf8), "HEIC"),
    (4, Array("ftypmif1".utf8), "HEIF"),
    (0, [0xFF, 0x0A], "JPEG XL"),
    (4, Array("JXL ".utf8), "JPEG XL"),
    (4, Array("jP  ".utf8), "JPEG 2000"),
    (0, Array("8BPS".utf8), "Photoshop"),
    (0, Array("%PDF".utf8), "PDF"),
    (0, [0x50, 0x4B, 0x03, 0x04], "ZIP"),
  ]

  init(_ bytes: some RandomAccessCollection<UInt8>) {
    // Half of PNG's eight bytes are enough to know it by; damage to the rest is the PNG reader's to report.
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
      self = .picture(.png)
    } else if bytes.starts(with: [0xFF, 0xD8]) {
      self = .picture(.jpeg)
    } else if let match = Self.foreignSignatures.first(where: { signature in
      bytes.dropFirst(signature.offset).starts(with: signature.bytes)
    }) {
      self = .foreign(match.name)
    } else {
      self = Self.looksLikeText(bytes.prefix(512)) ? .text : .unknown
    }
  }

  /// Whether nothing but printable characters, tabs and line ends (UTF-8 or ASCII) stands there.
  private static func looksLikeText(_ bytes: some Collection<UInt8>) -> Bool {
    bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F || (0x09...0x0D).contains($0) }
      // A long run above ASCII is no text in any encoding of today.
      && bytes.count(where: { $0 < 0x80 }) * 4 >= bytes.count
  }
}
