/// A product of a network, and how it would be computed.
public struct PlannedProduct: Hashable, Sendable {
  /// `convolution 3×3`, `linear` or `attention`.
  public let operation: String
  /// The shape of what is multiplied: `[N, C, H, W]`, `[..., In]` or the queries' `[N, T, C]`.
  public let source: [Int]
  /// The shape of what it is multiplied by: a weight's, or that of the keys.
  public let factor: [Int]
  /// `Winograd F(4×4)`, `direct`, `product`, or what else serves it.
  public let algorithm: String
  /// The multiplications and additions that its definition has.
  public let operations: Double
  /// What the algorithm is taken to cost, as the operations of a plain product that takes as long.
  public let cost: Double
}

/// The products of what `body` computes, in order. None of them is computed meanwhile: their results are zeros.
public func plannedProducts(_ body: () throws -> Void) rethrows -> [PlannedProduct] {
  let outer = ProductList.current
  let list = ProductList()
  ProductList.current = list
  defer { ProductList.current = outer }
  try body()
  return list.products
}

/// Where operations write themselves down instead of computing their products, while a plan is made.
final class ProductList {
  fileprivate private(set) var products: [PlannedProduct] = []

  static var current: ProductList? {
    get { ofThread.value }
    set { ofThread.value = newValue }
  }
  private static let ofThread = ThreadLocal<ProductList>()

  func addConvolution(_ s: ConvolutionShape) {
    let isProduct = s.kh * s.kw == 1
    let algorithm = ConvolutionAlgorithm(for: s)
    products.append(
      PlannedProduct(
        operation: "convolution \(s.kh)×\(s.kw)" + (s.stride == 1 ? "" : "/\(s.stride)"), source: s.source,
        factor: s.weights, algorithm: isProduct ? "product" : algorithm.name,
        operations: 2 * Double(s.n * s.outH * s.outW) * Double(s.c * s.o * s.kh * s.kw),
        cost: 2 * Double(s.n) * algorithm.cost(of: s)))
  }

  func addLinear(_ x: [Int], out: Int) {
    let inner = x.last ?? 1
    let rows = x.dropLast().reduce(1, *)
    products.append(
      PlannedProduct(
        operation: "linear", source: x, factor: [out, inner], algorithm: "product",
        operations: 2 * Double(rows) * Double(inner * out),
        cost: 2 * ProductCosts.current.product(rows: rows, terms: inner, columns: out)))
  }

  func addAttention(_ job: AttentionShape) {
    let costs = ProductCosts.current
    let heads = Double(job.n * job.heads)
    products.append(
      PlannedProduct(
        operation: "attention, \(job.heads) heads", source: [job.n, job.t, job.c],
        factor: [job.n, job.s, job.c], algorithm: "by blocks of keys",
        operations: 4 * heads * Double(job.t) * Double(job.s * job.size),
        cost: 2 * heads
          * (costs.product(rows: job.t, terms: job.size, columns: job.s)
            + costs.product(rows: job.t, terms: job.s, columns: job.size))))
  }
}
