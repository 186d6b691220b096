import TensorCore

/// Self-attention over the pixels of a feature map, with normalisation before and a residual around:
/// diffusers' `Attention` as image U-Nets without text use it.
public struct SelfAttention {
  let groupNorm: GroupNorm?
  let mix: TokenAttention
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
    mix = TokenAttention(p, channels: channels, heads: channels / size, headSize: size)
    self.outputScale = outputScale
  }

  /// [N, C, H, W] → [N, C, H, W]
  public func callAsFunction(_ x: Tensor) -> Tensor {
    // [N, T, C]
    let qkv = linear(overPixelsOf: x, after: groupNorm?.with(), [mix.toQ.map, mix.toK.map, mix.toV.map])
    let mixed = attention(qkv[0], qkv[1], qkv[2], heads: mix.heads, scale: mix.scale)
    let y = linear(mixed, mix.toOut.map, ontoPixelsOf: x)
    return outputScale == 1 ? y : (1 / outputScale) * y
  }
}
