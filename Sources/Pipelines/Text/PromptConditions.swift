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
    /// What is said in place of them: the negative prompt, or nothing. One row.
    let unconditional: Condition
    /// The negative prompt, where it is a branch of its own. One row.
    let negatives: [Condition]

    package init(
      lastStep: Int, parts: [(condition: Condition, weight: Float)], unconditional: Condition,
      negatives: [Condition] = []
    ) {
      (self.lastStep, self.parts) = (lastStep, parts)
      (self.unconditional, self.negatives) = (unconditional, negatives)
    }
  }

  let stages: [Stage]

  package init(stages: [Stage]) { self.stages = stages }

  /// Encodes a prompt and what it is held against. All conditions of one prompt have the same number of chunks.
  ///
  /// - Parameters:
  ///   - negative: nil where none was given.
  ///   - isBranch: whether the negative prompt is a branch of its own, and does not stand in place of the empty one.
  ///   - others: prompts that it is to have as many chunks as, so that what lies between them can be told.
  ///   - forcesZeros: whether one that was not given is zeros, and not an empty text.
  /// - Throws: `PromptError`.
  public init(
    _ prompt: Prompt, negative: Prompt?, isBranch: Bool = false, beside others: [Prompt] = [],
    forcesZeros: Bool, _ encoder: PromptEncoder
  ) throws {
    let schedules = prompt.parts.map(\.schedule) + (negative?.parts.map(\.schedule) ?? [])
    let saysNothing = negative == nil || isBranch
    let texts = Set(schedules.flatMap { $0.spans.map(\.text) }).union(
      saysNothing && !forcesZeros ? [""] : [])
    let beside = others.flatMap { $0.parts.flatMap { $0.schedule.spans.map(\.text) } }
    let chunks = try texts.union(beside).map { try encoder.chunkCount(of: $0) }.max() ?? 1
    // Turns say the same again and again.
    var known: [[String]: Condition] = [:]
    func condition(_ text: String, isNegative: Bool) throws -> Condition {
      let key = [text, isNegative ? "negative" : ""]
      if let condition = known[key] { return condition }
      let condition = try encoder.condition(of: text, isNegative: isNegative, chunks: chunks)
      known[key] = condition
      return condition
    }
    let nothing: Condition? =
      if saysNothing {
        try forcesZeros ? encoder.zeros(chunks: chunks) : condition("", isNegative: true)
      } else {
        nil
      }
    let ends = Set(schedules.flatMap { $0.spans.map(\.lastStep) }).sorted()
    stages = try ends.map { end in
      let parts = try prompt.parts.map {
        (try condition($0.schedule.text(at: end), isNegative: false), Float($0.weight))
      }
      let against = try [negative].compactMap { $0?.parts[0].schedule.text(at: end) }.map {
        try condition($0, isNegative: true)
      }
      return Stage(
        lastStep: end, parts: parts, unconditional: nothing ?? against[0],
        negatives: nothing == nil ? [] : against)
    }
  }
}

extension PromptConditions {
  /// What lies between two prompts, each told by as many parts at every step.
  ///
  /// - Parameter share: how far it lies from `a` to `b`, from 0 to 1.
  /// - Returns: nil where one is composed of more parts than the other.
  public static func between(_ a: PromptConditions, _ b: PromptConditions, _ share: Float)
    -> PromptConditions?
  {
    let ends = Set((a.stages + b.stages).map(\.lastStep)).sorted()
    var stages: [Stage] = []
    for end in ends {
      let (x, y) = (a.stage(at: end), b.stage(at: end))
      guard x.parts.count == y.parts.count else { return nil }
      stages.append(
        Stage(
          lastStep: end,
          parts: zip(x.parts, y.parts).map {
            (.between($0.condition, $1.condition, share), $0.weight + share * ($1.weight - $0.weight))
          }, unconditional: .between(x.unconditional, y.unconditional, share),
          negatives: zip(x.negatives, y.negatives).map { .between($0, $1, share) }))
    }
    return PromptConditions(stages: stages)
  }

  /// What holds at a step, from 1.
  func stage(at step: Int) -> Stage { stages.first { step <= $0.lastStep } ?? stages[stages.count - 1] }
}

extension Condition {
  /// The same with the text, the pooled text and the sizes of another.
  func withText(_ text: Condition) -> Condition {
    var copy = self
    (copy.text, copy.pooledText, copy.sizes) = (text.text, text.pooledText, text.sizes)
    return copy
  }
}
