/// One text of a PNG, `tEXt` or `zTXt` (Latin-1) and `iTXt` (UTF-8) alike, or of a JPEG.
public struct TextChunk: Sendable, Hashable {
  /// 1 to 79 characters of Latin-1, such as `parameters` or `Comment`.
  public var keyword: String
  /// The text; line ends are single line feeds.
  public var text: String

  /// A text under its keyword.
  public init(keyword: String, text: String) {
    self.keyword = keyword
    self.text = text
  }

  /// Why PNG cannot hold this chunk, or nil where it can (PNG specification, third edition, 11.3.3).
  var flaw: String? {
    guard let bytes = Latin1.encode(keyword), (1...79).contains(bytes.count) else {
      return "a keyword has 1 to 79 Latin-1 characters"
    }
    guard bytes.allSatisfy({ (0x20...0x7E).contains($0) || $0 >= 0xA1 }) else {
      return "a keyword has printable characters only"
    }
    guard bytes.first != 0x20, bytes.last != 0x20, !keyword.contains("  ") else {
      return "a keyword has single spaces, between words only"
    }
    return text.utf8.contains(0) ? "it holds a NUL character" : nil
  }
}

/// ISO 8859-1, whose 256 bytes are Unicode's first 256 scalars.
enum Latin1 {
  /// Nil where a character lies outside.
  static func encode(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    for scalar in text.unicodeScalars {
      guard let byte = UInt8(exactly: scalar.value) else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  static func decode(_ bytes: some Sequence<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: bytes.map { Unicode.Scalar($0) })
    return String(text)
  }
}
