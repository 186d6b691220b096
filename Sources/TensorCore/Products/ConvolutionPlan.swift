/// A convolution by the algorithm that suits its shape, and how its weight lies for it.
struct ConvolutionPlan {
  private enum Algorithm {
    case winograd(WinogradConvolution)
    case direct(DirectConvolution)
  }

  private let algorithm: Algorithm
  private let layout: RightLayout
  /// In training a weight changes before its packed form would be used again.
  private let isKept: Bool

  init(_ shape: ConvolutionShape) {
    self.init(
      shape, ConvolutionAlgorithm(for: shape), RightLayout(weightOf: shape), isKept: Tape.current == nil)
  }

  /// The convolution that gives a convolution's input gradient from its output's, with the same weight, mirrored. Where the
  /// stride is not 1 it is to be given that gradient `spread` by it.
  init(transposed s: ConvolutionShape) {
    let (h, w) = ((s.outH - 1) * s.stride + 1, (s.outW - 1) * s.stride + 1)
    let (top, left) = (s.kh - 1 - s.padding.top, s.kw - 1 - s.padding.left)
    precondition(top >= 0 && left >= 0, "a convolution of \(s.kh)×\(s.kw) padded by \(s.padding)")
    let mirrored = ConvolutionShape(
      n: s.n, c: s.o, h: h, w: w, o: s.c, kh: s.kh, kw: s.kw, stride: 1,
      padding: Padding(
        top: top, left: left, bottom: s.h + s.kh - 1 - h - top, right: s.w + s.kw - 1 - w - left))
    self.init(
      mirrored, ConvolutionAlgorithm(for: mirrored), RightLayout(mirroredWeightOf: s), isKept: false)
  }

  fileprivate init(
    _ shape: ConvolutionShape, _ choice: ConvolutionAlgorithm, _ layout: RightLayout, isKept: Bool
  ) {
    switch choice {
    case .winograd(let side): algorithm = .winograd(WinogradConvolution(shape, side: side))
    case .direct: algorithm = .direct(DirectConvolution(shape))
    }
    (self.layout, self.isKept) = (layout, isKept)
  }

  /// norm(x) ∗ weight + bias + residual.
  func callAsFunction(
    _ x: Tensor, after normalization: GroupNormalization? = nil, _ weight: Tensor, bias: Tensor?,
    residual: Tensor? = nil
  ) -> Tensor {
    switch algorithm {
    case .winograd(let winograd):
      return winograd(
        x, after: normalization, weight: weight, layout: layout, isKept: isKept, bias: bias,
        residual: residual)
    case .direct(let direct):
      let packed = isKept ? layout.cached(weight) : layout.pack(weight)
      return direct(x, after: normalization, .init(packed: packed, bias: bias, residual: residual))
    }
  }
}

extension RightLayout {
  /// How [O, C, kh, kw] is packed for its convolution.
  init(weightOf s: ConvolutionShape) {
    let taps = s.kh * s.kw
    self.init(k: s.c, taps: taps, columns: s.o, kStride: taps, tapStride: 1, columnStride: s.c * taps)
  }

  /// How it is packed for the transposed convolution.
  init(mirroredWeightOf s: ConvolutionShape) {
    let taps = s.kh * s.kw
    self.init(
      k: s.o, taps: taps, columns: s.c, kStride: s.c * taps, tapStride: -1, columnStride: taps,
      first: taps - 1)
  }
}

extension ConvolutionAlgorithm {
  /// A 3×3 convolution at stride 1 by this algorithm, whichever is the cheapest; for measurements and tests.
  ///
  /// - Parameters:
  ///   - x: `[N, C, H, W]`.
  ///   - weight: `[O, C, 3, 3]`, both multiples of 16.
  /// - Returns: `[N, O, H, W]`.
  package func convolve(_ x: Tensor, _ weight: Tensor) -> Tensor {
    let shape = Self.shape(x, weight.shape[0])
    return ConvolutionPlan(shape, self, RightLayout(weightOf: shape), isKept: true)(x, weight, bias: nil)
  }

  /// The gradient of its weight, `[O, C, 3, 3]`.
  ///
  /// - Parameter dy: `[N, O, H, W]`, the result's gradient.
  package func weightGradient(_ x: Tensor, _ dy: Tensor) -> Tensor {
    let shape = Self.shape(x, dy.shape[1])
    switch self {
    case .winograd(let side): return WinogradWeightGradient(shape, side: side)(x, dy)
    case .direct: return DirectWeightGradient(shape)(x, dy)
    }
  }

  private static func shape(_ x: Tensor, _ o: Int) -> ConvolutionShape {
    let (n, c, h, w) = x.shape4
    return ConvolutionShape(n: n, c: c, h: h, w: w, o: o, kh: 3, kw: 3, stride: 1, padding: .all(1))
  }
}
