import Models
import Schedulers
import TensorCore

/// Classifier-free guidance (Ho & Salimans 2022): away from what is said without the condition.
///
///     unconditional + scale·(conditional − unconditional)
///
/// A negative condition in place of the unconditional one guides away from what it describes; of several, from their mean.
public struct ClassifierFreeGuidance: Predictor {
  let predictor: any Predictor
  let unconditional: [Condition]
  let scale: Float
  let rescale: Float
  let composition: Composition?
  let opposite: (any Predictor)?

  /// - Parameters:
  ///   - unconditional: what is said in place of the condition, a row a picture; at least one.
  ///   - scale: 1 is the condition alone, and the other side is not asked; more exaggerates it.
  ///   - rescale: see `GuidedPrediction`.
  ///   - composition: what is told in place of the one condition that this is asked about.
  ///   - opposite: who speaks for what is guided away from, where that is another.
  public init(
    _ predictor: any Predictor, unconditional: [Condition], scale: Float, rescale: Float = 0,
    composition: Composition? = nil, opposite: (any Predictor)? = nil
  ) {
    precondition(!unconditional.isEmpty, "nothing to guide away from")
    (self.predictor, self.unconditional) = (predictor, unconditional)
    (self.scale, self.rescale) = (scale, rescale)
    (self.composition, self.opposite) = (composition, opposite)
  }

  /// [N, C, H, W] → [N, C or 2C, H, W]
  public func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor {
    let composition = composition ?? Composition(condition)
    let guided = composition.times(scale)
    if guided.isPlain && (rescale == 0 || composition.isPlain) {
      return predictor(x, evaluation, composition.conditions[0])
    }
    // What is said without guidance, which the deviation is taken of, may hold some of the other side too.
    let isAsked = guided.rest != 0 || rescale != 0 && composition.rest != 0
    let (with, without) = predictor.predictions(
      x, evaluation, composition.conditions, against: isAsked ? unconditional : [], by: opposite)
    func sum(_ composition: Composition) -> ([Tensor]) -> Tensor {
      let shares = without.map { _ in composition.rest / Float(without.count) }
      return { .combination(Array(zip(shares + composition.weights, $0))) }
    }
    return GuidedPrediction(channels: x.shape[1], rescale: rescale)(
      without + with, conditional: without.count, plain: composition.isPlain ? nil : sum(composition),
      sum(guided))
  }
}

/// Autoguidance (Karras et al. 2024, "Guiding a diffusion model with a bad version of itself"): away from what a weaker model
/// says under the same condition.
///
///     weak + scale·(strong − weak)
public struct Autoguidance: Predictor {
  let predictor: any Predictor
  let weak: any Predictor
  let scale: Float
  let rescale: Float

  /// - Parameters:
  ///   - weak: a smaller or less trained model of the same pictures, noise and prediction.
  ///   - scale: 1 is the strong model alone.
  ///   - rescale: see `GuidedPrediction`.
  public init(_ predictor: any Predictor, weak: any Predictor, scale: Float, rescale: Float = 0) {
    (self.predictor, self.weak, self.scale, self.rescale) = (predictor, weak, scale, rescale)
  }

  /// [N, C, H, W] → [N, C or 2C, H, W]
  public func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor {
    let strong = predictor(x, evaluation, condition)
    if scale == 1 { return strong }
    let sides = [weak(x, evaluation, condition), strong]
    return GuidedPrediction(channels: x.shape[1], rescale: rescale)(sides, conditional: 1) {
      .combination([(1 - scale, $0[0]), (scale, $0[1])])
    }
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

  /// The same, and what is said under other conditions, by another where there is one.
  func predictions(
    _ x: Tensor, _ evaluation: Evaluation, _ conditions: [Condition], against others: [Condition],
    by opposite: (any Predictor)?
  ) -> (with: [Tensor], without: [Tensor]) {
    if let opposite {
      return (
        predictions(x, evaluation, conditions), opposite.predictions(x, evaluation, others)
      )
    }
    let all = predictions(x, evaluation, others + conditions)
    return (Array(all.suffix(conditions.count)), Array(all.prefix(others.count)))
  }
}
