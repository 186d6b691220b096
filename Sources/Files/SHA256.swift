import Foundation

/// SHA-256 (FIPS 180-4), for a model's fingerprint in a picture's recipe.
///
/// Its own sixty lines because the alternative is a cryptography package whose build takes longer than this whole
/// program's; nothing here guards a secret.
public struct SHA256 {
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  private var pending: [UInt8] = []
  private var length: UInt64 = 0

  /// The cube roots' fractional parts of the first 64 primes, from which FIPS 180-4 takes its constants.
  private static let constants: [UInt32] = {
    var primes: [Int] = []
    var candidate = 2
    while primes.count < 64 {
      if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
      candidate += 1
    }
    return primes.map { prime in
      let root = cbrt(Double(prime))
      return UInt32((root - root.rounded(.down)) * 4_294_967_296)
    }
  }()

  /// An empty digest.
  public init() {}

  /// The digest of a file's bytes, as 64 hexadecimal digits.
  ///
  /// - Throws: what `FileHandle` throws.
  public static func hex(of file: URL) throws -> String {
    let handle = try FileHandle(forReadingFrom: file)
    defer { try? handle.close() }
    var hash = SHA256()
    while let part = try handle.read(upToCount: 1 << 20), !part.isEmpty { hash.update([UInt8](part)) }
    return hash.finished()
  }

  /// Takes more bytes.
  public mutating func update(_ bytes: [UInt8]) {
    length += UInt64(bytes.count)
    pending += bytes
    let whole = pending.count / 64 * 64
    pending.withUnsafeBufferPointer { buffer in
      for start in stride(from: 0, to: whole, by: 64) {
        Self.compress(&state, UnsafeBufferPointer(rebasing: buffer[start..<start + 64]))
      }
    }
    pending.removeFirst(whole)
  }

  /// The digest of everything taken, as 64 hexadecimal digits.
  public consuming func finished() -> String {
    let bits = length * 8
    var tail: [UInt8] = [0x80]
    while (pending.count + tail.count) % 64 != 56 { tail.append(0) }
    tail += (0..<8).reversed().map { UInt8(truncatingIfNeeded: bits >> ($0 * 8)) }
    update(tail)
    return state.map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }

  private static func compress(_ state: inout [UInt32], _ block: UnsafeBufferPointer<UInt8>) {
    func rotated(_ x: UInt32, _ n: UInt32) -> UInt32 { x >> n | x << (32 - n) }
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { w in
      for i in 0..<16 {
        w[i] = (0..<4).reduce(0) { $0 << 8 | UInt32(block[i * 4 + $1]) }
      }
      for i in 16..<64 {
        let s0 = rotated(w[i - 15], 7) ^ rotated(w[i - 15], 18) ^ w[i - 15] >> 3
        let s1 = rotated(w[i - 2], 17) ^ rotated(w[i - 2], 19) ^ w[i - 2] >> 10
        w[i] = w[i - 16] &+ s0 &+ w[i - 7] &+ s1
      }
      var (a, b, c, d) = (state[0], state[1], state[2], state[3])
      var (e, f, g, h) = (state[4], state[5], state[6], state[7])
      constants.withUnsafeBufferPointer { k in
        for i in 0..<64 {
          let s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
          let t1 = h &+ s1 &+ (e & f ^ ~e & g) &+ k[i] &+ w[i]
          let s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
          let t2 = s0 &+ (a & b ^ a & c ^ b & c)
          (h, g, f, e, d, c, b, a) = (g, f, e, d &+ t1, c, b, a, t1 &+ t2)
        }
      }
      for (i, value) in [a, b, c, d, e, f, g, h].enumerated() { state[i] &+= value }
    }
  }
}
