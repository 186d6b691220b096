/// How the text of a prompt is read.
public enum PromptSyntax: String, Sendable, CaseIterable, Codable {
  /// As AUTOMATIC1111's web UI reads it: weights, changes, `AND`, and as many chunks as it takes.
  case a1111
  /// As diffusers reads it: every sign is text, and what the encoder has no place for is cut off.
  case plain
}

/// What a prompt asks for: several texts at once where it says `AND`, each with a weight and with changes on the way.
///
/// Composed as in Liu et al. 2022, Compositional Visual Generation with Composable Diffusion Models:
///
///     without + scale·Σ weightᵢ·(withᵢ − without)
public struct Prompt: Sendable, Equatable {
  /// One of the texts between `AND`s.
  public struct Part: Sendable, Equatable {
    /// `:1.2` at its end; 1 where none is given.
    public let weight: Double
    /// What it says at each step.
    public let schedule: PromptSchedule
  }

  /// At least one.
  public let parts: [Part]

  /// - Parameters:
  ///   - isNegative: a negative prompt is one text; `AND` and a weight at its end are words of it.
  ///   - steps: of the sampler, at least 1.
  /// - Throws: `PromptError`.
  public init(_ text: String, _ syntax: PromptSyntax, isNegative: Bool = false, steps: Int) throws {
    switch syntax {
    case .plain:
      parts = [Part(weight: 1, schedule: PromptSchedule(plain: text, steps: steps))]
    case .a1111 where isNegative: parts = [Part(weight: 1, schedule: PromptSchedule(text, steps: steps))]
    case .a1111:
      parts = Self.composed(text).map {
        Part(weight: $0.weight, schedule: PromptSchedule($0.text, steps: steps))
      }
    }
    guard syntax == .a1111 else { return }
    for span in parts.flatMap(\.schedule.spans) { _ = try WeightedText.stretches(of: span.text) }
  }

  /// The texts between `AND`s and their weights.
  static func composed(_ prompt: String) -> [(text: String, weight: Double)] {
    let prompt = Array(prompt.unicodeScalars)
    let ends = prompt.ranges(ofWord: "AND")
    let starts = [0] + ends.map(\.upperBound)
    return zip(starts, ends.map(\.lowerBound) + [prompt.count]).map { weighted(prompt[$0..<$1]) }
  }

  /// Takes `:1.2` off the end of a text, and white space.
  private static func weighted(_ text: ArraySlice<Unicode.Scalar>) -> (text: String, weight: Double) {
    let text = text.withoutTrailingSpace
    guard let colon = text.lastIndex(of: ":") else { return (text.text, 1) }
    let number = text[(colon + 1)...].drop { $0.properties.isWhitespace }
    guard number.allSatisfy({ $0.isDigit || "+-.".unicodeScalars.contains($0) }),
      let weight = Double(number.text)
    else { return (text.text, 1) }
    return (text[..<colon].withoutTrailingSpace.text, weight)
  }
}
