/// Several linear maps of each pixel of one feature map, with results of one size, each as `linear(norm(x).tokens(), …)`.
///
/// Where nothing is recorded, normalisation and change of layout happen on the way into the products.
///
/// - Parameters:
///   - x: `[N, In, H, W]`.
///   - normalization: applied to x beforehand.
/// - Returns: `[N, H·W, Out]` each.
public func linear(overPixelsOf x: Tensor, after normalization: GroupNormalization?, _ maps: [LinearMap])
  -> [Tensor]
{
  let out = maps[0].weight.shape[0]
  if Tape.current == nil, ProductList.current == nil {
    let product = pointwise(x, out)
    let weights = maps.map {
      DirectConvolution.Weight(packed: product.weights.cached($0.weight), bias: $0.bias)
    }
    return product(x, after: normalization, weights, order: .channelsLast(out)).map { $0.tokens() }
  }
  return linear((normalization?(x) ?? x).tokens(), maps)
}

/// `linear(x, …)` as a feature map, plus a residual.
///
/// - Parameters:
///   - x: `[N, H·W, In]`.
///   - residual: `[N, Out, H, W]`.
/// - Returns: `[N, Out, H, W]`.
public func linear(_ x: Tensor, _ map: LinearMap, ontoPixelsOf residual: Tensor) -> Tensor {
  let (_, out, height, width) = residual.shape4
  if Tape.current == nil, ProductList.current == nil {
    let pixels = x.featureMap(height: height, width: width)
    let product = pointwise(pixels, out)
    let packed = product.weights.cached(map.weight)
    return product(pixels, .init(packed: packed, bias: map.bias, residual: residual))
  }
  return residual + linear(x, weight: map.weight, bias: map.bias).featureMap(height: height, width: width)
}

private func pointwise(_ x: Tensor, _ out: Int) -> DirectConvolution {
  let (n, c, h, w) = x.shape4
  return DirectConvolution(
    ConvolutionShape(n: n, c: c, h: h, w: w, o: out, kh: 1, kw: 1, stride: 1, padding: .all(0)))
}
