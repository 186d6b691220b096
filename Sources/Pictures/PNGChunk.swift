/// One chunk of a PNG as it stands in the file (PNG specification, third edition, 5.3).
package struct PNGChunk: Hashable, Sendable {
  /// Four letters, such as `IDAT`.
  package let type: String
  /// What stands between the type and the checksum.
  package let data: [UInt8]

  package static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// A chunk of its parts.
  package init(type: String, data: [UInt8]) {
    self.type = type
    self.data = data
  }

  /// Length, type, data and checksum.
  package var bytes: [UInt8] {
    let named = Array(type.utf8) + data
    return Self.bigEndian(UInt32(data.count)) + named + Self.bigEndian(CRC32.checksum(named))
  }

  /// The chunks of a file up to the first that is cut short; one with a wrong checksum is passed over, as decoders
  /// pass over a damaged ancillary chunk.
  package static func all(in file: some RandomAccessCollection<UInt8>) -> [PNGChunk] {
    let bytes = Array(file)
    var chunks: [PNGChunk] = []
    var at = signature.count
    while bytes.count - at >= 12 {
      let length = Int(integer(bytes[at..<at + 4]))
      guard length <= bytes.count - at - 12 else { break }
      let (named, end) = (bytes[at + 4..<at + 8 + length], at + 12 + length)
      if CRC32.checksum(named) == integer(bytes[end - 4..<end]) {
        let type = String(decoding: named.prefix(4), as: UTF8.self)
        chunks.append(PNGChunk(type: type, data: Array(named.dropFirst(4))))
      }
      at = end
    }
    return chunks
  }

  static func bigEndian<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
  }

  private static func integer(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.reduce(0) { $0 << 8 | UInt32($1) }
  }
}

/// The checksum of PNG's chunks: the CRC-32 of ISO 3309, polynomial 0x04C11DB7, bits reversed.
enum CRC32 {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
  }

  static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { table[Int(($0 ^ UInt32($1)) & 0xFF)] ^ $0 >> 8 }
  }
}
