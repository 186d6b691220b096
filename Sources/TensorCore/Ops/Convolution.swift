import CKernels

/// 2-D cross-correlation, as `torch.nn.functional.conv2d`.
///
/// - Parameters:
///   - x: `[N, C, H, W]`.
///   - weight: `[O, C, kh, kw]`.
///   - bias: `[O]`.
///   - stride: the same in both directions.
///   - normalization: applied to x beforehand. Where nothing is recorded that happens on the way into the product, and no
///     normalised map is ever in memory.
///   - residual: added to the result; of its shape.
/// - Returns: `[N, O, H', W']` with H' = (H + padding − kh)/stride + 1.
public func conv2D(
  _ x: Tensor, after normalization: GroupNormalization? = nil, weight: Tensor, bias: Tensor?, stride: Int = 1,
  padding: Padding, adding residual: Tensor? = nil
) -> Tensor {
  let (n, c, h, w) = x.shape4
  let (o, inC, kh, kw) = weight.shape4
  precondition(c == inC, "a convolution of \(weight.shape) was given \(x.shape)")
  let shape = ConvolutionShape(n: n, c: c, h: h, w: w, o: o, kh: kh, kw: kw, stride: stride, padding: padding)
  if let list = ProductList.current {
    list.addConvolution(shape)
    return .zeros(shape.target)
  }
  let plan = ConvolutionPlan(shape)
  if Tape.current == nil { return plan(x, after: normalization, weight, bias: bias, residual: residual) }
  let x = normalization?(x) ?? x
  // The residual is added on the way out; its gradient is the result's.
  let inputs = [x, weight] + (bias.map { [$0] } ?? []) + (residual.map { [$0] } ?? [])
  return plan(x, weight, bias: bias, residual: residual)
    .recorded(inputs: inputs, backward: gradient(x, weight, hasBias: bias != nil, shape))
}

/// The gradients of the input, the weight, the bias where there is one, and what was added where that follows.
private func gradient(_ x: Tensor, _ weight: Tensor, hasBias: Bool, _ shape: ConvolutionShape)
  -> Tape.Backward
{
  let source = x.saved
  let residual = hasBias ? 3 : 2
  return { dy, needed in
    var gradients = [Tensor?](repeating: nil, count: needed.count)
    if needed[1] {
      gradients[1] =
        switch ConvolutionAlgorithm(for: shape) {
        case .winograd(let side): WinogradWeightGradient(shape, side: side)(source(), dy)
        case .direct: DirectWeightGradient(shape)(source(), dy)
        }
    }
    if hasBias, needed[2] { gradients[2] = dy.summedChannels().summedRows(columns: shape.o) }
    if needed[0] {
      let spread = shape.stride == 1 ? dy : dy.spread(by: shape.stride)
      gradients[0] = ConvolutionPlan(transposed: shape)(spread, weight, bias: nil)
    }
    if needed.count > residual { gradients[residual] = dy }
    return gradients
  }
}

extension Tensor {
  /// A feature map with `stride` − 1 zeros between neighbouring pixels, off the tape.
  fileprivate func spread(by stride: Int) -> Tensor {
    let (n, c, h, w) = shape4
    let y = Tensor(uninitialized: [n, c, (h - 1) * stride + 1, (w - 1) * stride + 1], order: order)
    let (b, size) = (order.channelBlock, y.count / (n * c))
    parallelFor(n * c / b) { block in
      dk_spread(pointer + block * h * w * b, y.pointer + block * size * b, h, w, b, stride)
    }
    return y
  }
}
