/// The letters that byte-level vocabularies write bytes with, so that every byte shows: printable ones of Latin-1 stand
/// for themselves, the others for the code points from U+0100 on (Radford et al. 2019, GPT-2).
enum ByteAlphabet {
  /// The letter of each byte.
  static let letters: [Unicode.Scalar] = {
    var next = UInt32(0x100)
    return (UInt8.min...UInt8.max).map { byte in
      if isPrintable(byte) { return Unicode.Scalar(byte) }
      defer { next += 1 }
      return Unicode.Scalar(next)!
    }
  }()

  /// The bytes in the order that CLIP's vocabulary begins with: those that stand for themselves first.
  static let vocabularyOrder: [UInt8] =
    (UInt8.min...UInt8.max).filter(isPrintable) + (UInt8.min...UInt8.max).filter { !isPrintable($0) }

  private static func isPrintable(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: true
    default: false
    }
  }
}
