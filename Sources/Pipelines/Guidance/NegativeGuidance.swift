import Models
import Schedulers
import TensorCore

/// Classifier-free guidance with negative conditions as branches of their own, whose strength does not hang on that of the
/// condition (Liu et al. 2022, "Compositional visual generation with composable diffusion models", section 4.2):
///
///     unconditional + scale·(conditional − unconditional) − Σ negativeScale·(negative − unconditional)
///
/// Perpendicular (Armandpour et al. 2023, "Re-imagine the negative prompt algorithm"), only that part of a negative counts
/// which is orthogonal to the condition, so that what both have in common is not taken away:
///
///     unconditional + scale·(p − Σ negativeScale·(n − ⟨n, p⟩/⟨p, p⟩·p)),  p, n = conditional, negative − unconditional
public struct NegativeGuidance: Predictor {
  let predictor: any Predictor
  let unconditional: Condition
  let negatives: [Condition]
  let scale: Float
  let negativeScale: Float
  let isPerpendicular: Bool
  let rescale: Float

  /// - Parameters:
  ///   - unconditional: what is said where nothing is known, a row a picture.
  ///   - negatives: what is to be avoided, a row a picture each.
  ///   - scale: 1 is the condition alone.
  ///   - negativeScale: 0 leaves the negatives out.
  ///   - rescale: see `GuidedPrediction`.
  public init(
    _ predictor: any Predictor, unconditional: Condition, negatives: [Condition], scale: Float,
    negativeScale: Float, isPerpendicular: Bool = false, rescale: Float = 0
  ) {
    (self.predictor, self.unconditional, self.negatives) = (predictor, unconditional, negatives)
    (self.scale, self.negativeScale) = (scale, negativeScale)
    (self.isPerpendicular, self.rescale) = (isPerpendicular, rescale)
  }

  /// [N, C, H, W] → [N, C or 2C, H, W]
  public func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor {
    let sides = predictor.predictions(x, evaluation, [unconditional, condition] + negatives)
    return GuidedPrediction(channels: x.shape[1], rescale: rescale)(sides, conditional: 1) { sides in
      isPerpendicular ? perpendicular(sides) : composed(sides)
    }
  }

  private func composed(_ sides: [Tensor]) -> Tensor {
    let rest = 1 - scale + negativeScale * Float(negatives.count)
    return .combination(
      [(rest, sides[0]), (scale, sides[1])] + sides.dropFirst(2).map { (-negativeScale, $0) })
  }

  private func perpendicular(_ sides: [Tensor]) -> Tensor {
    let positive = sides[1] - sides[0]
    let ones = [Float](repeating: 1, count: positive.shape[0])
    var direction = positive
    for side in sides.dropFirst(2) {
      let negative = side - sides[0]
      let squares = dots(positive, positive)
      let shares = zip(dots(negative, positive), squares).map { $1 > 0 ? Float($0 / $1) : 0 }
      let orthogonal = Tensor.combination(perSample: ones, negative, shares.map { -$0 }, positive)
      direction = .combination([(Float(1), direction), (-negativeScale, orthogonal)])
    }
    return .combination([(Float(1), sides[0]), (scale, direction)])
  }

  /// ⟨a, b⟩ of each picture.
  private func dots(_ a: Tensor, _ b: Tensor) -> [Double] {
    (0..<a.shape[0]).map { n in
      zip(a.rows(n..<n + 1).values, b.rows(n..<n + 1).values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
  }
}
