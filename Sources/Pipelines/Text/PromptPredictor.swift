import Models
import Schedulers
import TensorCore

/// Tells a network what the prompts say at each step, and guides it towards them.
public struct PromptPredictor: Predictor {
  /// What a prompt says at a step, a row a picture each.
  public struct Sides {
    /// The prompt's texts.
    public let composition: Composition
    /// What is said in place of the prompt: the negative one, or nothing.
    public let unconditional: Condition
    /// The negative prompt, where it is a branch of its own.
    public let negatives: [Condition]
  }

  /// Makes the guidance by what a prompt says. It is asked about the first of its texts.
  public typealias Guide = (_ network: any Predictor, _ sides: Sides) -> any Predictor

  private struct Group {
    let rows: Range<Int>
    let conditions: PromptConditions
  }

  private let predictor: any Predictor
  private let groups: [Group]
  private let guide: Guide
  private let stepStarts: [Int]

  /// - Parameters:
  ///   - predictor: the network.
  ///   - prompts: of the pictures in order, each with the number of pictures that it holds for.
  ///   - sampler: whose steps the prompts change at.
  ///   - guide: makes the guidance; none unless given.
  public init(
    _ predictor: any Predictor, _ prompts: [(conditions: PromptConditions, count: Int)],
    sampler: any Sampler, guide: @escaping Guide = Self.plain
  ) {
    (self.predictor, self.guide) = (predictor, guide)
    var first = 0
    groups = prompts.map { prompt in
      defer { first += prompt.count }
      return Group(rows: first..<first + prompt.count, conditions: prompt.conditions)
    }
    stepStarts = sampler.stepStarts
  }

  /// No guidance: what is held against a prompt is asked only where its texts' weights leave some of it.
  public static func plain(_ network: any Predictor, _ sides: Sides) -> any Predictor {
    ClassifierFreeGuidance(
      network, unconditional: [sides.unconditional], scale: 1, composition: sides.composition)
  }

  /// [N, C, H, W] → [N, C or 2C, H, W]
  public func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor {
    let step = step(of: evaluation)
    let parts = groups.map { group in
      let stage = group.conditions.stage(at: step)
      let isAll = groups.count == 1
      return predicted(
        isAll ? x : x.rows(group.rows), evaluation, isAll ? condition : condition.rows(group.rows), stage)
    }
    return parts.count == 1 ? parts[0] : .stacked(parts)
  }

  private func predicted(
    _ x: Tensor, _ evaluation: Evaluation, _ condition: Condition, _ stage: PromptConditions.Stage
  ) -> Tensor {
    let count = x.shape[0]
    let composition = Composition(
      stage.parts.map { (condition: condition.withText($0.condition.repeated(count)), weight: $0.weight) })
    let sides = Sides(
      composition: composition, unconditional: condition.withText(stage.unconditional.repeated(count)),
      negatives: stage.negatives.map { condition.withText($0.repeated(count)) })
    let guided = guide(predictor, sides)
    return guided(x, evaluation, composition.conditions[0])
  }

  /// The step that an evaluation belongs to, from 1.
  private func step(of evaluation: Evaluation) -> Int {
    max(1, stepStarts.count { $0 <= evaluation.index })
  }
}
