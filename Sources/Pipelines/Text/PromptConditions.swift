import Models
import Text

/// What prompts say to a network, stretch by stretch of the steps: one picture's, or that of several with the same prompts.
public struct PromptConditions {
  /// What holds up to a step.
  package struct Stage {
    /// From 1.
    let lastStep: Int
    /// One row each, with their weights.
    let parts: [(condition: Condition, weight: Float)]
    /// One row.
    let negative: Condition

    package init(lastStep: Int, parts: [(condition: Condition, weight: Float)], negative: Condition) {
      (self.lastStep, self.parts, self.negative) = (lastStep, parts, negative)
    }
  }

  let stages: [Stage]

  package init(stages: [Stage]) { self.stages = stages }

  /// Encodes a prompt and what it is held against. All conditions of one prompt have the same number of chunks.
  ///
  /// - Parameters:
  ///   - negative: nil where none was given.
  ///   - forcesZeros: whether one that was not given is zeros, and not an empty text.
  /// - Throws: `PromptError`.
  public init(_ prompt: Prompt, negative: Prompt?, forcesZeros: Bool, _ encoder: PromptEncoder) throws {
    let schedules = prompt.parts.map(\.schedule) + (negative?.parts.map(\.schedule) ?? [])
    let texts = Set(schedules.flatMap { $0.spans.map(\.text) }).union(
      negative == nil && !forcesZeros ? [""] : [])
    let chunks = try texts.map { try encoder.chunkCount(of: $0) }.max() ?? 1
    // Turns say the same again and again.
    var known: [[String]: Condition] = [:]
    func condition(_ text: String, isNegative: Bool) throws -> Condition {
      let key = [text, isNegative ? "negative" : ""]
      if let condition = known[key] { return condition }
      let condition = try encoder.condition(of: text, isNegative: isNegative, chunks: chunks)
      known[key] = condition
      return condition
    }
    func against(_ step: Int) throws -> Condition {
      if let negative { return try condition(negative.parts[0].schedule.text(at: step), isNegative: true) }
      return try forcesZeros ? encoder.zeros(chunks: chunks) : condition("", isNegative: true)
    }
    let ends = Set(schedules.flatMap { $0.spans.map(\.lastStep) }).sorted()
    stages = try ends.map { end in
      Stage(
        lastStep: end,
        parts: try prompt.parts.map {
          (try condition($0.schedule.text(at: end), isNegative: false), Float($0.weight))
        }, negative: try against(end))
    }
  }
}

extension Condition {
  /// The same with the text, the pooled text and the sizes of another.
  func told(_ text: Condition) -> Condition {
    var copy = self
    (copy.text, copy.pooledText, copy.sizes) = (text.text, text.pooledText, text.sizes)
    return copy
  }
}
