import Models
import Schedulers
import TensorCore

/// Tells a network what the prompts say at each step, and guides it towards them.
public struct PromptPredictor: Predictor {
  /// Makes the guidance away from a condition, a row a picture.
  public typealias Guide = (_ predictor: any Predictor, _ negative: Condition) -> any Predictor

  private struct Group {
    let rows: Range<Int>
    let conditions: PromptConditions
  }

  private let predictor: any Predictor
  private let groups: [Group]
  private let scale: Float
  private let guide: Guide
  private let opposite: (any Predictor)?
  private let stepStarts: [Int]

  /// - Parameters:
  ///   - predictor: the network.
  ///   - prompts: of the pictures in order, each with the number of pictures that it holds for.
  ///   - scale: of the guidance; 1 is none.
  ///   - sampler: whose steps the prompts change at.
  ///   - opposite: who speaks for the negative prompt, where that is another.
  ///   - guide: makes the guidance of a prompt that is one text; classifier-free guidance unless given.
  public init(
    _ predictor: any Predictor, _ prompts: [(conditions: PromptConditions, count: Int)], scale: Float,
    sampler: any Sampler, opposite: (any Predictor)? = nil, guide: Guide? = nil
  ) {
    self.predictor = predictor
    var first = 0
    groups = prompts.map { prompt in
      defer { first += prompt.count }
      return Group(rows: first..<first + prompt.count, conditions: prompt.conditions)
    }
    self.scale = scale
    self.opposite = opposite
    self.guide =
      guide ?? { ClassifierFreeGuidance($0, unconditional: [$1], scale: scale, opposite: opposite) }
    stepStarts = sampler.stepStarts
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
    let negative = condition.told(stage.negative.repeated(count))
    let positives = stage.parts.map { condition.told($0.condition.repeated(count)) }
    if positives.count == 1, stage.parts[0].weight == 1 {
      let guided = guide(predictor, negative)
      return guided(x, evaluation, positives[0])
    }
    return composed(x, evaluation, positives, stage.parts.map { scale * $0.weight }, negative)
  }

  /// Several texts at once (Liu et al. 2022, Compositional Visual Generation with Composable Diffusion Models):
  ///
  ///     without + Σ scaleᵢ·(withᵢ − without)
  ///
  /// What a network says of the variance, in a second half of its channels, is taken from the first text's side.
  private func composed(
    _ x: Tensor, _ evaluation: Evaluation, _ positives: [Condition], _ scales: [Float], _ negative: Condition
  ) -> Tensor {
    let rest = 1 - scales.reduce(0, +)
    let (with, without) = predictor.predictions(
      x, evaluation, positives, against: rest == 0 ? [] : [negative], by: opposite)
    let sides = with + without
    let weights = scales + (rest == 0 ? [] : [rest])
    let channels = x.shape[1]
    guard sides[0].shape[1] == 2 * channels else { return .combination(Array(zip(weights, sides))) }
    let halves = sides.map { $0.splitChannels([channels, channels]) }
    return .concatenatedChannels([.combination(Array(zip(weights, halves.map { $0[0] }))), halves[0][1]])
  }

  /// The step that an evaluation belongs to, from 1.
  private func step(of evaluation: Evaluation) -> Int {
    max(1, stepStarts.count { $0 <= evaluation.index })
  }
}
