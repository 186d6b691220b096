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
  let composition: Composition?

  /// - Parameters:
  ///   - unconditional: what is said where nothing is known, a row a picture.
  ///   - negatives: what is to be avoided, a row a picture each.
  ///   - scale: 1 is the condition alone.
  ///   - negativeScale: 0 leaves the negatives out.
  ///   - rescale: see `GuidedPrediction`.
  ///   - composition: what is told in place of the one condition that this is asked about.
  public init(
    _ predictor: any Predictor, unconditional: Condition, negatives: [Condition], scale: Float,
    negativeScale: Float, isPerpendicular: Bool = false, rescale: Float = 0, composition: Composition? = nil
  ) {
    (self.predictor, self.unconditional, self.negatives) = (predictor, unconditional, negatives)
    (self.scale, self.negativeScale) = (scale, negativeScale)
    (self.isPerpendicular, self.rescale, self.composition) = (isPerpendicular, rescale, composition)
  }

  /// [N, C, H, W] → [N, C or 2C, H, W]
  public func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor {
    let composition = composition ?? Composition(condition)
    let sides = predictor.predictions(x, evaluation, [unconditional] + composition.conditions + negatives)
    func plain(_ sides: [Tensor]) -> Tensor {
      .combination(Array(zip([composition.rest] + composition.weights, sides)))
    }
    return GuidedPrediction(channels: x.shape[1], rescale: rescale)(
      sides, conditional: 1, plain: composition.isPlain ? nil : plain
    ) { sides in
      isPerpendicular ? perpendicular(sides, composition) : composed(sides, composition.times(scale))
    }
  }

  private func composed(_ sides: [Tensor], _ guided: Composition) -> Tensor {
    let rest = guided.rest + negativeScale * Float(negatives.count)
    return .combination(
      Array(zip([rest] + guided.weights + negatives.map { _ in -negativeScale }, sides)))
  }

  private func perpendicular(_ sides: [Tensor], _ composition: Composition) -> Tensor {
    let parts = Array(zip(composition.weights, sides.dropFirst()))
    let positive = Tensor.combination(parts + [(composition.rest - 1, sides[0])])
    let ones = [Float](repeating: 1, count: positive.shape[0])
    var direction = positive
    for side in sides.suffix(negatives.count) {
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
