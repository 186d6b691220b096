extension Unicode.Scalar {
  /// `\w` of the regular expressions that tokenizers and prompts are written with.
  var isWord: Bool {
    switch properties.generalCategory {
    case .decimalNumber, .connectorPunctuation, .nonspacingMark, .spacingMark, .enclosingMark: true
    default: properties.isAlphabetic
    }
  }

  /// A digit from 0 to 9.
  var isDigit: Bool { ("0"..."9").contains(self) }
}

extension RandomAccessCollection<Unicode.Scalar> where Index == Int {
  /// The text that these scalars are.
  var text: String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: self)
    return String(view)
  }

  /// Where `word` stands by itself, its edges at the edges of words (`\b`).
  func ranges(ofWord word: String) -> [Range<Int>] {
    let letters = Array(word.unicodeScalars)
    var (found, at): ([Range<Int>], Int) = ([], startIndex)
    while at + letters.count <= endIndex {
      let end = at + letters.count
      let stands =
        self[at..<end].elementsEqual(letters) && !(at > startIndex && self[at - 1].isWord)
        && !(end < endIndex && self[end].isWord)
      if stands { found.append(at..<end) }
      at = stands ? end : at + 1
    }
    return found
  }

  /// Without white space at either end.
  var trimmed: SubSequence {
    let start = firstIndex { !$0.properties.isWhitespace } ?? endIndex
    return self[start..<Swift.max(start, withoutTrailingSpace.endIndex)]
  }

  /// Without white space at its end.
  var withoutTrailingSpace: SubSequence {
    self[..<(lastIndex { !$0.properties.isWhitespace }.map { $0 + 1 } ?? startIndex)]
  }
}
