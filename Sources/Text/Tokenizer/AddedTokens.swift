/// Tokens that are looked for in a text as they stand, before it is cut into words: the marks of its beginning and end,
/// padding, and words that were taught later.
struct AddedTokens: Sendable {
  /// One token and how it is looked for.
  struct Token: Sendable, Equatable {
    var content: String
    var number: Int
    /// Whether it is looked for in the cleaned text instead of the text as given.
    var isNormalized: Bool
    /// Whether it may not touch letters, numbers or underscores.
    var isSingleWord: Bool
  }

  /// A stretch of text between added tokens, or one of them.
  enum Piece {
    case text(ArraySlice<Unicode.Scalar>)
    case token(Int)
  }

  private let raw: [(letters: [Unicode.Scalar], token: Token)]
  private let normalized: [(letters: [Unicode.Scalar], token: Token)]

  init(_ tokens: [Token]) {
    func sorted(_ tokens: [(letters: [Unicode.Scalar], token: Token)]) -> [([Unicode.Scalar], Token)] {
      // Of several that begin at one place, the longest.
      tokens.filter { !$0.letters.isEmpty }.sorted { $0.letters.count > $1.letters.count }
    }
    raw = sorted(tokens.filter { !$0.isNormalized }.map { (Array($0.content.unicodeScalars), $0) })
    normalized = sorted(tokens.filter(\.isNormalized).map { (TextCleaning.cleaned($0.content), $0) })
  }

  /// A text in pieces, its stretches cleaned.
  func pieces(_ text: String) -> [Piece] {
    Self.split(Array(text.unicodeScalars)[...], at: raw).flatMap { piece -> [Piece] in
      guard case .text(let stretch) = piece else { return [piece] }
      return Self.split(TextCleaning.cleaned(stretch.text)[...], at: normalized)
    }
  }

  private static func split(
    _ text: ArraySlice<Unicode.Scalar>, at tokens: [(letters: [Unicode.Scalar], token: Token)]
  ) -> [Piece] {
    guard !tokens.isEmpty else { return text.isEmpty ? [] : [.text(text)] }
    var pieces: [Piece] = []
    var (start, at) = (text.startIndex, text.startIndex)
    while at < text.endIndex {
      let found = tokens.first { letters, token in
        guard text[at...].starts(with: letters) else { return false }
        let end = at + letters.count
        return !token.isSingleWord
          || !(at > text.startIndex && text[at - 1].isWord) && !(end < text.endIndex && text[end].isWord)
      }
      guard let found else {
        at += 1
        continue
      }
      if start < at { pieces.append(.text(text[start..<at])) }
      pieces.append(.token(found.token.number))
      at += found.letters.count
      start = at
    }
    if start < at { pieces.append(.text(text[start..<at])) }
    return pieces
  }
}
