import Crypto
import Foundation

/// SHA-256 as swift-crypto computes it, in the form that this program keeps: hexadecimal digits. It tells one model from
/// another, and guards no secret.
public struct SHA256 {
  private var hash = Crypto.SHA256()

  /// An empty digest.
  public init() {}

  /// The digest of a file's bytes, as 64 hexadecimal digits.
  ///
  /// - Throws: what `FileHandle` throws.
  public static func hex(of file: URL) throws -> String {
    let handle = try FileHandle(forReadingFrom: file)
    defer { try? handle.close() }
    var digest = SHA256()
    while let part = try handle.read(upToCount: 1 << 22), !part.isEmpty { digest.update(part) }
    return digest.finished()
  }

  /// Takes more bytes.
  public mutating func update(_ bytes: some DataProtocol) { hash.update(data: bytes) }

  /// The digest of everything taken, as 64 hexadecimal digits.
  public consuming func finished() -> String {
    hash.finalize().map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }
}
