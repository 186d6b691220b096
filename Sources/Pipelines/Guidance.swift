import Models
import Schedulers
import TensorCore

/// Classifier-free guidance (Ho & Salimans 2022): away from what is said without the condition.
///
///     unconditional + scale·(conditional − unconditional)
///
/// What a network says of the variance, in a second half of its channels, is taken from the conditional side.
public struct ClassifierFreeGuidance: Predictor {
  let predictor: any Predictor
  let unconditional: Condition
  let scale: Float

  /// - Parameters:
  ///   - unconditional: what is said in place of the condition, a row a picture.
  ///   - scale: 1 is the condition alone, and the other side is not asked; more exaggerates it.
  public init(_ predictor: any Predictor, unconditional: Condition, scale: Float) {
    (self.predictor, self.unconditional, self.scale) = (predictor, unconditional, scale)
  }

  /// [N, C, H, W] → [N, C or 2C, H, W]
  public func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor {
    if scale == 1 { return predictor(x, evaluation, condition) }
    let sides = predictor.predictions(x, evaluation, [unconditional, condition])
    let channels = x.shape[1]
    guard sides[1].shape[1] == 2 * channels else {
      return .combination([(1 - scale, sides[0]), (scale, sides[1])])
    }
    let (without, with) = (
      sides[0].splitChannels([channels, channels]), sides[1].splitChannels([channels, channels])
    )
    return .concatenatedChannels([.combination([(1 - scale, without[0]), (scale, with[0])]), with[1]])
  }
}

extension Predictor {
  /// What is said of the same pictures under each of several conditions, asked in one batch where their rows may stand in
  /// one: `[N, C or 2C, H, W]` each.
  func predictions(_ x: Tensor, _ evaluation: Evaluation, _ conditions: [Condition]) -> [Tensor] {
    guard let first = conditions.first, conditions.allSatisfy({ $0.isStackable(with: first) }) else {
      return conditions.map { self(x, evaluation, $0) }
    }
    let count = x.shape[0]
    let all = self(.stacked(conditions.map { _ in x }), evaluation, .stacked(conditions))
    return conditions.indices.map { all.rows($0 * count..<($0 + 1) * count) }
  }
}
