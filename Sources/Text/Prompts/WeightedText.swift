/// A stretch of a prompt and how much it counts, in A1111's syntax (AUTOMATIC1111/stable-diffusion-webui, "Attention/emphasis").
///
///     (word)       ×1.1          (word:1.3)   ×1.3
///     [word]       ÷1.1          \( \) \[ \] \\   the signs themselves
///     BREAK        ends a chunk
///
/// A bracket that is not closed counts to the end of the prompt; one that was not opened is text.
public struct WeightedText: Sendable, Equatable {
  /// What is to be read; empty for a `BREAK`.
  public var text: String
  /// 1 for plain text.
  public var weight: Double
  /// Whether what follows begins a new chunk.
  public var isBreak: Bool

  /// Text of a weight, or a `BREAK`.
  public init(_ text: String, weight: Double = 1, isBreak: Bool = false) {
    (self.text, self.weight, self.isBreak) = (text, weight, isBreak)
  }

  /// The stretches of a prompt, neighbours of one weight joined.
  ///
  /// - Throws: `PromptError` for a weight that is no number, such as `(word:1.2.3)`.
  public static func stretches(of prompt: String) throws -> [WeightedText] {
    var reader = Reader(Array(prompt.unicodeScalars))
    return try reader.read()
  }

  private static let roundFactor = 1.1
  private static let squareFactor = 1 / 1.1

  private struct Reader {
    let prompt: [Unicode.Scalar]
    var at = 0
    var stretches: [WeightedText] = []
    /// Which stretch each open bracket stands before.
    var (round, square): ([Int], [Int]) = ([], [])

    init(_ prompt: [Unicode.Scalar]) { self.prompt = prompt }

    mutating func read() throws -> [WeightedText] {
      while at < prompt.count {
        switch prompt[at] {
        case "\\": escape()
        case "(":
          round.append(stretches.count)
          at += 1
        case "[":
          square.append(stretches.count)
          at += 1
        case ":": try weight()
        case ")": close(\.round, by: WeightedText.roundFactor)
        case "]": close(\.square, by: WeightedText.squareFactor)
        default: plain()
        }
      }
      for start in round { multiply(from: start, by: WeightedText.roundFactor) }
      for start in square { multiply(from: start, by: WeightedText.squareFactor) }
      return joined()
    }

    /// A backslash before anything but a bracket or another one is dropped.
    private mutating func escape() {
      let next = at + 1 < prompt.count ? prompt[at + 1] : nil
      let escaped = next.flatMap { "()[]\\".unicodeScalars.contains($0) ? $0 : nil }
      stretches.append(WeightedText(escaped.map { String($0) } ?? ""))
      at += escaped == nil ? 1 : 2
    }

    private mutating func close(_ open: WritableKeyPath<Self, [Int]>, by factor: Double) {
      if let start = self[keyPath: open].popLast() {
        multiply(from: start, by: factor)
      } else {
        stretches.append(WeightedText(String(prompt[at])))
      }
      at += 1
    }

    /// `:1.3)`, white space around the number allowed; a colon of another kind is text.
    private mutating func weight() throws {
      var end = at + 1
      func skip(while holds: (Unicode.Scalar) -> Bool) {
        while end < prompt.count, holds(prompt[end]) { end += 1 }
      }
      skip { $0.properties.isWhitespace }
      let start = end
      if end < prompt.count, "+-".unicodeScalars.contains(prompt[end]) { end += 1 }
      let digits = end
      skip { $0.isDigit || $0 == "." }
      let number = start..<end
      skip { $0.properties.isWhitespace }
      guard digits < number.upperBound, end < prompt.count, prompt[end] == ")" else {
        stretches.append(WeightedText(":"))
        at += 1
        return
      }
      defer { at = end + 1 }
      guard let start = round.popLast() else {
        stretches.append(WeightedText(prompt[at...end].text))
        return
      }
      let text = prompt[number].text
      guard let value = Double(text) else { throw PromptError.weight(text) }
      multiply(from: start, by: value)
    }

    private mutating func plain() {
      let signs = "\\()[]:".unicodeScalars
      let end = prompt[at...].firstIndex { signs.contains($0) } ?? prompt.count
      let text = prompt[at..<end]
      var start = at
      for range in text.ranges(ofWord: "BREAK") {
        stretches.append(WeightedText(text[start..<range.lowerBound].withoutTrailingSpace.text))
        stretches.append(WeightedText("", isBreak: true))
        start = text[range.upperBound...].firstIndex { !$0.properties.isWhitespace } ?? end
      }
      stretches.append(WeightedText(text[start...].text))
      at = end
    }

    private mutating func multiply(from start: Int, by factor: Double) {
      for i in start..<stretches.count where !stretches[i].isBreak { stretches[i].weight *= factor }
    }

    private func joined() -> [WeightedText] {
      var result: [WeightedText] = []
      for stretch in stretches {
        if let last = result.last, !last.isBreak, !stretch.isBreak, last.weight == stretch.weight {
          result[result.count - 1].text += stretch.text
        } else {
          result.append(stretch)
        }
      }
      return result.isEmpty ? [WeightedText("")] : result
    }
  }
}
