/// What Darkroom reads of an EXIF block, and the block that it writes into a JPEG (EXIF 2.32: a TIFF structure of
/// directories, each of entries of 12 bytes).
struct EXIF: Equatable {
  /// How the picture is to be turned; nil where the block does not say or says nonsense, as broken EXIF is common and
  /// every other program then shows the picture as stored.
  private(set) var orientation: Orientation?
  /// The user's comment, where AUTOMATIC1111's web UI keeps a JPEG's `parameters`.
  private(set) var userComment: String?

  /// What stands before the block in a JPEG's APP1 segment.
  static let prefix: [UInt8] = Array("Exif\0\0".utf8)

  private enum Tag {
    static let orientation = 0x0112
    static let exifDirectory = 0x8769
    static let version = 0x9000
    static let userComment = 0x9286
  }

  /// Reads a block in either byte order, with or without `Exif\0\0` before it; nil where it is none.
  init?(_ block: some Collection<UInt8>) {
    var bytes = Array(block)
    if bytes.starts(with: Self.prefix.prefix(4)) { bytes.removeFirst(min(Self.prefix.count, bytes.count)) }
    guard let tiff = TIFF(bytes) else { return nil }
    for entry in tiff.entries(at: tiff.firstDirectory) {
      switch entry.tag {
      case Tag.orientation:
        orientation = tiff.integer(at: entry.valueOffset, bytes: 2).flatMap(Orientation.init(rawValue:))
      case Tag.exifDirectory:
        guard let directory = tiff.integer(at: entry.valueOffset, bytes: 4) else { break }
        let comment = tiff.entries(at: directory).first { $0.tag == Tag.userComment }
        userComment = comment.flatMap { tiff.data(of: $0) }.flatMap {
          Self.text($0, isBigEndian: tiff.isBigEndian)
        }
      default: break
      }
    }
  }

  /// A block with `Exif\0\0` before it that holds a comment in UTF-16, big-endian as the web UI writes it.
  static func block(userComment: String) -> [UInt8] {
    let (long, undefined): (UInt16, UInt16) = (4, 7)
    func integer(_ value: Int) -> [UInt8] { PNGChunk.bigEndian(UInt32(value)) }
    func entry(_ tag: Int, _ type: UInt16, count: Int, _ value: [UInt8]) -> [UInt8] {
      PNGChunk.bigEndian(UInt16(tag)) + PNGChunk.bigEndian(type) + integer(count) + value
    }
    var comment = Array("UNICODE\0".utf8)
    for unit in userComment.utf16 { comment += PNGChunk.bigEndian(unit) }
    // The header takes 8 bytes, a directory of one entry 2 + 12 + 4, one of two 2 + 24 + 4.
    var block = prefix + Array("MM".utf8) + [0, 42] + integer(8)
    block += [0, 1] + entry(Tag.exifDirectory, long, count: 1, integer(8 + 18)) + integer(0)
    block += [0, 2] + entry(Tag.version, undefined, count: 4, Array("0232".utf8))
    block += entry(Tag.userComment, undefined, count: comment.count, integer(8 + 18 + 30)) + integer(0)
    return block + comment
  }

  /// A comment: eight bytes name its character code. Nil for one that says nothing.
  private static func text(_ comment: ArraySlice<UInt8>, isBigEndian: Bool) -> String? {
    let (code, bytes) = (comment.prefix(8), Array(comment.dropFirst(8)))
    let text: String
    if code.elementsEqual("UNICODE\0".utf8) {
      text = utf16(bytes, isBigEndian: isBigEndian)
    } else {
      text = String(decoding: bytes, as: UTF8.self)
    }
    let words = text.prefix { $0 != "\0" }
    return words.allSatisfy(\.isWhitespace) ? nil : String(words)
  }

  /// The standard leaves the byte order of UTF-16 open: a mark decides, else on which side the zeros of Latin letters
  /// stand, else the block's own order.
  private static func utf16(_ bytes: [UInt8], isBigEndian: Bool) -> String {
    let zeros = { (start: Int) in stride(from: start, to: bytes.count, by: 2).count { bytes[$0] == 0 } }
    var (bigEndian, start) = (isBigEndian, 0)
    switch bytes.prefix(2) {
    case [0xFE, 0xFF]: (bigEndian, start) = (true, 2)
    case [0xFF, 0xFE]: (bigEndian, start) = (false, 2)
    default:
      let (high, low) = (zeros(0), zeros(1))
      if high != low { bigEndian = high > low }
    }
    let units = stride(from: start, to: bytes.count - 1, by: 2).map { at -> UInt16 in
      let (first, second) = (UInt16(bytes[at]), UInt16(bytes[at + 1]))
      return bigEndian ? first << 8 | second : second << 8 | first
    }
    return String(decoding: units, as: UTF16.self)
  }
}

/// The structure below EXIF; nothing in it is trusted.
private struct TIFF {
  struct Entry {
    let tag: Int
    let type: Int
    let count: Int
    /// Where the value stands, or the offset of one of more than 4 bytes.
    let valueOffset: Int
  }

  let bytes: [UInt8]
  let isBigEndian: Bool
  private(set) var firstDirectory = 0

  init?(_ bytes: [UInt8]) {
    self.bytes = bytes
    switch bytes.prefix(2) {
    case [0x4D, 0x4D]: isBigEndian = true
    case [0x49, 0x49]: isBigEndian = false
    default: return nil
    }
    guard integer(at: 2, bytes: 2) == 42, let directory = integer(at: 4, bytes: 4) else { return nil }
    firstDirectory = directory
  }

  func integer(at offset: Int, bytes count: Int) -> Int? {
    guard offset >= 0, offset <= bytes.count - count else { return nil }
    let field = bytes[offset..<offset + count]
    return isBigEndian
      ? field.reduce(0) { $0 << 8 | Int($1) } : field.reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  /// The entries of a directory, up to the first that is cut short.
  func entries(at directory: Int) -> [Entry] {
    guard let count = integer(at: directory, bytes: 2) else { return [] }
    var entries: [Entry] = []
    for index in 0..<count {
      let start = directory + 2 + 12 * index
      guard let tag = integer(at: start, bytes: 2), let type = integer(at: start + 2, bytes: 2),
        let count = integer(at: start + 4, bytes: 4), integer(at: start + 8, bytes: 4) != nil
      else { break }
      entries.append(Entry(tag: tag, type: type, count: count, valueOffset: start + 8))
    }
    return entries
  }

  /// The bytes of an entry of single bytes.
  func data(of entry: Entry) -> ArraySlice<UInt8>? {
    guard [1, 2, 7].contains(entry.type) else { return nil }
    guard entry.count > 4 else { return bytes[entry.valueOffset..<entry.valueOffset + entry.count] }
    guard let offset = integer(at: entry.valueOffset, bytes: 4), offset <= bytes.count,
      entry.count <= bytes.count - offset
    else { return nil }
    return bytes[offset..<offset + entry.count]
  }
}
