/// A convolution on tiles, by the algorithm that suits its shape, and how its weight lies for it.
struct TiledConvolution {
  private enum Algorithm {
    case winograd(WinogradConvolution)
    case direct(TileConvolution)
  }

  private let algorithm: Algorithm
  private let layout: RightLayout
  /// In training a weight changes before its packed form would be used again.
  private let isKept: Bool

  /// Nil where there are no tiles, or nothing to gain by them.
  init?(_ shape: ConvolutionShape) {
    self.init(shape, RightLayout(weightOf: shape), isKept: Tape.current == nil)
  }

  /// The convolution that gives a stride-1 convolution's input gradient from its output's, with the same weight, mirrored.
  init?(transposed s: ConvolutionShape) {
    let p = s.padding
    guard s.stride == 1, max(p.top, p.bottom) < s.kh, max(p.left, p.right) < s.kw else { return nil }
    self.init(
      ConvolutionShape(
        n: s.n, c: s.o, h: s.outH, w: s.outW, o: s.c, kh: s.kh, kw: s.kw, stride: 1,
        padding: Padding(
          top: s.kh - 1 - p.top, left: s.kw - 1 - p.left, bottom: s.kh - 1 - p.bottom,
          right: s.kw - 1 - p.right)),
      RightLayout(mirroredWeightOf: s), isKept: false)
  }

  private init?(_ shape: ConvolutionShape, _ layout: RightLayout, isKept: Bool) {
    if let winograd = WinogradConvolution(shape) {
      algorithm = .winograd(winograd)
    } else if let direct = TileConvolution(shape) {
      algorithm = .direct(direct)
    } else {
      return nil
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
      return winograd(x, after: normalization, weight: weight, layout: layout, bias: bias, residual: residual)
    case .direct(let direct):
      let packed = isKept ? layout.kept(weight) : layout.pack(weight)
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
