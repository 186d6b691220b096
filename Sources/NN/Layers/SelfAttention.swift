import TensorCore

/// Self-attention over the pixels of a feature map, with normalisation before and a residual around:
/// diffusers' `Attention` as image U-Nets without text use it.
public struct SelfAttention {
  let groupNorm: GroupNorm?
  let toQ: Linear, toK: Linear, toV: Linear, toOut: Linear
  let heads: Int
  let scale: Float
  let outputScale: Float

  /// - Parameters:
  ///   - headSize: channels of a head, at most `channels`, else the store's `finish` throws a `LayoutError`. As
  ///     many heads as fit are made; where they do not fit exactly, they share fewer channels between them.
  ///   - groups: of the normalisation; nil for none.
  ///   - outputScale: what the sum with the residual is divided by.
  public init(
    _ p: ParameterScope, channels: Int, headSize: Int, groups: Int?, epsilon: Float, outputScale: Float = 1
  ) {
    groupNorm = groups.map { GroupNorm(p["group_norm"], channels: channels, groups: $0, epsilon: epsilon) }
    p.require((1...channels).contains(headSize), "\(channels) channels, too few for a head of \(headSize)")
    let size = min(max(headSize, 1), channels)
    heads = channels / size
    let inner = heads * size
    toQ = Linear(p["to_q"], inputs: channels, outputs: inner)
    toK = Linear(p["to_k"], inputs: channels, outputs: inner)
    toV = Linear(p["to_v"], inputs: channels, outputs: inner)
    toOut = Linear(p["to_out"][0], inputs: inner, outputs: channels)
    scale = 1 / Float(size).squareRoot()
    self.outputScale = outputScale
  }

  /// [N, C, H, W] → [N, C, H, W]
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let qkv = linear(overPixelsOf: x, after: groupNorm?.with(), [toQ.map, toK.map, toV.map])  // [N, T, C]
    let mixed = attention(qkv[0], qkv[1], qkv[2], heads: heads, scale: scale)
    let y = linear(mixed, toOut.map, ontoPixelsOf: x)
    return outputScale == 1 ? y : (1 / outputScale) * y
  }
}
