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
  let isTraining = Tape.current != nil
  let tiles = TiledConvolution(shape)
  if let tiles, !isTraining {
    return tiles(x, after: normalization, weight, bias: bias, residual: residual)
  }
  let x = normalization?(x) ?? x
  let inputs = [x, weight] + (bias.map { [$0] } ?? [])
  let backward = gradient(x, weight, hasBias: bias != nil, shape)
  if let tiles {
    // The residual is added on the way out; its gradient is the result's.
    let y = tiles(x, weight, bias: bias, residual: residual)
    return y.recorded(inputs: inputs + (residual.map { [$0] } ?? []), backward: backward)
  }
  let y = isTraining ? batched(x, weight, bias, shape, training: true) : inferred(x, weight, bias, shape)
  let product = y.recorded(inputs: inputs, backward: backward)
  return residual.map { product + $0 } ?? product
}

/// The gradients of the input, the weight, the bias where there is one, and what was added where that follows.
private func gradient(_ x: Tensor, _ weight: Tensor, hasBias: Bool, _ shape: ConvolutionShape)
  -> Tape.Backward
{
  let source = x.kept
  let residual = hasBias ? 3 : 2
  return { dy, needed in
    var gradients = [Tensor?](repeating: nil, count: needed.count)
    if needed[1] || (hasBias && needed[2]) {
      if let winograd = WinogradWeightGradient(shape) {
        gradients[1] = winograd(source(), dy)
        if hasBias { gradients[2] = dy.summedChannels().summedRows(columns: shape.o) }
      } else {
        let pass = Convolution.cached(shape, .backwardWeights(bias: hasBias))
        let (dweight, dbias) = pass.backwardWeights(source(), dy, bias: hasBias)
        gradients[1] = dweight
        if hasBias { gradients[2] = dbias }
      }
    }
    if needed[0] {
      if let tiles = TiledConvolution(transposed: shape) {
        gradients[0] = tiles(dy, weight, bias: nil)
      } else {
        gradients[0] = Convolution.cached(shape, .backwardData).backwardData(dy, weight)
      }
    }
    if needed.count > residual { gradients[residual] = dy }
    return gradients
  }
}

private func batched(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ shape: ConvolutionShape, training: Bool,
  winograd: Bool = true
) -> Tensor {
  let pass = Convolution.cached(shape, .forward(bias: bias != nil, training: training), winograd: winograd)
  let x = x.ordered(pass.sourceOrder)
  let y = Tensor(uninitialized: shape.target, order: pass.targetOrder)
  pass.forward(x.pointer, training ? pass.repacked(weight) : pass.packed(weight), bias, y.pointer)
  return y
}

/// Convolution of a batch such that no image's bits depend on how many others there are.
///
/// Winograd divides the sum over channels into blocks, and for some shapes in another way for another batch. So images
/// are taken in the largest runs whose plan gives the bits of one image alone, and directly where threads decide them too.
/// Direct convolution has no such traits.
private func inferred(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ shape: ConvolutionShape) -> Tensor {
  let single = Convolution.cached(shape.with(batch: 1), .forward(bias: bias != nil, training: false))
  guard single.isWinograd else { return batched(x, weight, bias, shape, training: false) }
  guard BatchProbe.isTheSameOnAllThreads(shape) else {
    return batched(x, weight, bias, shape, training: false, winograd: false)
  }
  let x = x.ordered(single.sourceOrder)
  let y = Tensor(uninitialized: shape.target, order: single.targetOrder)
  let (inSize, outSize) = (x.count / shape.n, y.count / shape.n)
  var image = 0
  while image < shape.n {
    let run = BatchProbe.largestRun(shape, upTo: shape.n - image)
    let pass = Convolution.cached(shape.with(batch: run), .forward(bias: bias != nil, training: false))
    // All runs of Winograd read weights in one layout, which is kept with the plan for one image.
    pass.forward(x.pointer + image * inSize, single.packed(weight), bias, y.pointer + image * outSize)
    image += run
  }
  return y
}
