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
  ///   - others: prompts that it is to have as many chunks as, so that what lies between them can be told.
  ///   - forcesZeros: whether one that was not given is zeros, and not an empty text.
  /// - Throws: `PromptError`.
  public init(
    _ prompt: Prompt, negative: Prompt?, beside others: [Prompt] = [], forcesZeros: Bool,
    _ encoder: PromptEncoder
  ) throws {
    let schedules = prompt.parts.map(\.schedule) + (negative?.parts.map(\.schedule) ?? [])
    let texts = Set(schedules.flatMap { $0.spans.map(\.text) }).union(
      negative == nil && !forcesZeros ? [""] : [])
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
          }, negative: .between(x.negative, y.negative, share)))
    }
    return PromptConditions(stages: stages)
  }

  /// What holds at a step, from 1.
  func stage(at step: Int) -> Stage { stages.first { step <= $0.lastStep } ?? stages[stages.count - 1] }
}

extension Condition {
  /// The same with the text, the pooled text and the sizes of another.
  func told(_ text: Condition) -> Condition {
    var copy = self
    (copy.text, copy.pooledText, copy.sizes) = (text.text, text.pooledText, text.sizes)
    return copy
  }
}
