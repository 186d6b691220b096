import Models
import TensorCore

/// What pictures are told: one condition, or several that add up, each with its weight (Liu et al. 2022, "Compositional
/// visual generation with composable diffusion models"):
///
///     without + Σ weightᵢ·(withᵢ − without)
public struct Composition {
  let conditions: [Condition]
  let weights: [Float]

  /// - Parameter parts: one or more, a row a picture each.
  public init(_ parts: [(condition: Condition, weight: Float)]) {
    precondition(!parts.isEmpty, "a composition of nothing")
    (conditions, weights) = (parts.map(\.condition), parts.map(\.weight))
  }

  /// One condition alone.
  public init(_ condition: Condition) { self.init([(condition, 1)]) }

  /// Whether it is one condition as it is, so that nothing is said without it.
  var isPlain: Bool { weights == [1] }

  /// How much of what is said without any condition is left.
  var rest: Float { 1 - weights.reduce(0, +) }

  /// The same parts, each of so much more weight.
  func times(_ scale: Float) -> Composition {
    Composition(Array(zip(conditions, weights.map { scale * $0 })))
  }
}
