import Foundation

/// Commands as a shell takes them, both ways.
enum ShellWords {
  /// The line that a shell would take apart into these words again.
  static func line(_ words: [String]) -> String {
    let plain = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-_./=,:+@%"))
    return words.map { word in
      !word.isEmpty && word.unicodeScalars.allSatisfy(plain.contains)
        ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }.joined(separator: " ")
  }

  /// The words of such a line: quotes of either kind, and a backslash outside of single ones.
  ///
  /// - Returns: nil where a quotation never ends.
  static func words(_ line: String) -> [String]? {
    var words: [String] = []
    var word: String?
    var quote: Character?
    var isEscaped = false
    for character in line {
      if isEscaped {
        word = (word ?? "") + String(character)
        isEscaped = false
      } else if character == "\\" && quote != "'" {
        isEscaped = true
      } else if let open = quote {
        if character == open { quote = nil } else { word = (word ?? "") + String(character) }
      } else if character == "'" || character == "\"" {
        (quote, word) = (character, word ?? "")
      } else if character == " " {
        if let done = word { words.append(done) }
        word = nil
      } else {
        word = (word ?? "") + String(character)
      }
    }
    guard quote == nil, !isEscaped else { return nil }
    return words + (word.map { [$0] } ?? [])
  }
}

extension [String] {
  /// Has a command line give an option a value, in place of what it has for it.
  ///
  /// - Parameter short: the option's other name.
  mutating func set(_ option: String, short: String? = nil, to value: String) {
    for i in indices {
      if self[i] == option || self[i] == short, i + 1 < count {
        self[i + 1] = value
        return
      }
      if self[i].hasPrefix("\(option)=") {
        self[i] = "\(option)=\(value)"
        return
      }
    }
    self += [option, value]
  }
}
