import Foundation

/// How CLIP cleans a text and cuts it into words before bytes are paired: NFC, any white space as one space, lower case
/// letter by letter; then its pattern of words, numbers and punctuation. Follows `CLIPTokenizer` of transformers 5.
enum TextCleaning {
  /// NFC, white space and lower case. Lower case knows no context, as in Rust's `char::to_lowercase`: a Σ at a word's
  /// end becomes σ, and İ an i with a dot above it.
  static func cleaned(_ text: String) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    var isAfterSpace = false
    for scalar in text.precomposedStringWithCanonicalMapping.unicodeScalars {
      let isSpace = scalar.properties.isWhitespace
      defer { isAfterSpace = isSpace }
      if isSpace {
        if !isAfterSpace { result.append(" ") }
      } else if let syllable = result.last.flatMap({ composed($0, scalar) }) {
        result[result.count - 1] = syllable
      } else {
        result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
      }
    }
    return result
  }

  /// A syllable of Hangul without a final consonant and the consonant, as one: Foundation's NFC leaves this pair apart
  /// where the syllable came composed (Unicode 3.12, conjoining jamo behaviour).
  private static func composed(_ syllable: Unicode.Scalar, _ final: Unicode.Scalar) -> Unicode.Scalar? {
    guard (0xAC00...0xD7A3).contains(syllable.value), (syllable.value - 0xAC00) % 28 == 0,
      (0x11A8...0x11C2).contains(final.value)
    else { return nil }
    return Unicode.Scalar(syllable.value + final.value - 0x11A7)
  }

  /// The words of a cleaned text. White space separates them and is left out.
  ///
  ///     <\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+
  static func words(_ text: ArraySlice<Unicode.Scalar>) -> [ArraySlice<Unicode.Scalar>] {
    var words: [ArraySlice<Unicode.Scalar>] = []
    var rest = text
    func take(_ count: Int) {
      words.append(rest.prefix(count))
      rest = rest.dropFirst(count)
    }
    while let first = rest.first {
      if let marker = markers.first(where: { rest.starts(with: $0.joined()) }) {
        // What the byte-level step, which has a pattern of its own, makes of a marker's text.
        marker.forEach { take($0.count) }
      } else if let ending = contractions.first(where: { rest.starts(with: $0) }) {
        take(ending.count)
      } else {
        switch Kind(first) {
        case .space: rest = rest.dropFirst()
        case .number: take(1)
        case let kind: take(rest.prefix { Kind($0) == kind }.count)
        }
      }
    }
    return words
  }

  private static let contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].map {
    Array($0.unicodeScalars)
  }
  private static let markers = ["startoftext", "endoftext"].map { name in
    ["<|", name, "|>"].map { Array($0.unicodeScalars) }
  }

  private enum Kind {
    case space, letter, number, other

    init(_ scalar: Unicode.Scalar) {
      if scalar.properties.isWhitespace {
        self = .space
      } else {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
          self = .letter
        case .decimalNumber, .letterNumber, .otherNumber: self = .number
        default: self = .other
        }
      }
    }
  }
}
