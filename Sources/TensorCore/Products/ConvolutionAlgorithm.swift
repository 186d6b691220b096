/// How a convolution is computed, and what that costs. Chosen here and nowhere else, from the shapes of one picture and the
/// kind of product: never from the batch or the threads, on which no picture's bits may depend.
package enum ConvolutionAlgorithm: Hashable {
  /// F(side×side, 3×3); see `WinogradConvolution`.
  case winograd(side: Int)
  /// The product over channels and taps; see `DirectConvolution`.
  case direct

  /// The cheapest for a shape, of those that are accurate enough.
  init(for shape: ConvolutionShape) {
    let model = ProductCosts.current
    let able = WinogradConvolution.serves(shape) ? model.winogradSides.map { Self.winograd(side: $0) } : []
    self = ([.direct] + able).min { $0.cost(of: shape) < $1.cost(of: shape) } ?? .direct
  }

  /// What a picture of `shape` costs, in multiply-adds of a plain product, the weights' share in a batch of `ProductCosts.batch`
  /// included.
  func cost(of shape: ConvolutionShape) -> Double {
    let model = ProductCosts.current
    switch self {
    case .direct:
      return model.product(
        rows: shape.outH * shape.outW, terms: shape.c, taps: shape.kh * shape.kw, columns: shape.o)
    case .winograd(let side):
      let frequencies = (side + 2) * (side + 2)
      let squares = ((shape.outH + side - 1) / side) * ((shape.outW + side - 1) / side)
      let weights = Double(frequencies * shape.c * shape.o)
      return model.product(rows: squares, terms: shape.c, taps: frequencies, columns: shape.o)
        * model.frequency
        + Double(frequencies * squares) * Double(shape.c + shape.o) * model.point
        + weights * (weights <= model.cachedWeights ? model.cachedWeight : model.weight)
        / ProductCosts.batch
    }
  }

  /// As the literature calls it.
  package var name: String {
    switch self {
    case .winograd(let side): "Winograd F(\(side)×\(side))"
    case .direct: "direct"
    }
  }
}

/// What the parts of an algorithm take, in multiply-adds of a plain product on the same processor.
///
/// Measured with `darkroom bench convolution` on one processor of each kind; all processors of one arithmetic use the same
/// numbers, since the choice that follows decides bits.
struct ProductCosts {
  /// Squares' sides that may be used. In f32 F(2×2) never pays: where F(4×4)'s weights weigh too much, so do its own. In
  /// bf16 F(4×4) makes five times direct's error, F(2×2) 1.7 times.
  let winogradSides: [Int]
  /// Of a multiply-add in one frequency, whose rows and columns are fewer than direct's.
  let frequency: Double
  /// Of a value's way to or from one frequency.
  let point: Double
  /// Of a weight's way to one frequency, through memory, and where as many as `cachedWeights` stay in the shared cache.
  let weight: Double, cachedWeight: Double
  let cachedWeights: Double

  /// Pictures over which the weights' way is counted: two, as guidance has them, to sixteen are common.
  static let batch = 4.0

  /// Those of the product in use.
  static var current: ProductCosts {
    switch (Product.planes, Product.bytes) {
    case (1, 4):
      ProductCosts(
        winogradSides: [4], frequency: 1, point: 45, weight: 55, cachedWeight: 33, cachedWeights: 5.2e6)
    case (1, _):
      ProductCosts(
        winogradSides: [2], frequency: 1.2, point: 66, weight: 110, cachedWeight: 110, cachedWeights: 0)
    default:
      ProductCosts(
        winogradSides: [4], frequency: 1, point: 60, weight: 60, cachedWeight: 60, cachedWeights: 0)
    }
  }

  /// Of a product whose terms and columns are filled up to whole steps and panels.
  func product(rows: Int, terms: Int, taps: Int = 1, columns: Int) -> Double {
    Double(rows * taps * Product.steps(of: terms) * Product.step)
      * Double(Product.panels(of: columns) * Product.panel)
  }
}
