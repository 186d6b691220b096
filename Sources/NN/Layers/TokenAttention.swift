import TensorCore

/// Multi-head attention of tokens to themselves or to a text's (Vaswani et al. 2017): diffusers' `Attention` with nothing
/// around it.
public struct TokenAttention {
  let toQ: Linear, toK: Linear, toV: Linear, toOut: Linear
  let heads: Int
  let scale: Float

  /// - Parameters:
  ///   - channels: of a token.
  ///   - contextChannels: of a token that keys and values are made of; as many as `channels` where nil.
  ///   - heads: how many; each has `headSize` channels.
  ///   - bias: whether queries, keys and values have one.
  ///   - isXavier: whether fresh weights are Glorot & Bengio's, and not PyTorch's.
  public init(
    _ p: ParameterScope, channels: Int, contextChannels: Int? = nil, heads: Int, headSize: Int,
    bias: Bool = true, isXavier: Bool = false
  ) {
    let (inner, context) = (heads * headSize, contextChannels ?? channels)
    func fresh(_ inputs: Int) -> FreshLinear? { isXavier ? .xavier(inputs: inputs, outputs: inner) : nil }
    toQ = Linear(p["to_q"], inputs: channels, outputs: inner, bias: bias, fresh: fresh(channels))
    toK = Linear(p["to_k"], inputs: context, outputs: inner, bias: bias, fresh: fresh(context))
    toV = Linear(p["to_v"], inputs: context, outputs: inner, bias: bias, fresh: fresh(context))
    toOut = Linear(p["to_out"][0], inputs: inner, outputs: channels, fresh: fresh(channels))
    self.heads = heads
    scale = 1 / Float(max(headSize, 1)).squareRoot()
  }

  /// Attention of tokens to themselves: [N, T, C] → [N, T, C].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let qkv = linear(x, [toQ.map, toK.map, toV.map])
    return toOut(attention(qkv[0], qkv[1], qkv[2], heads: heads, scale: scale))
  }

  /// Attention of tokens to others: [N, T, C] → [N, T, C].
  ///
  /// - Parameters:
  ///   - context: `[N, S, D]`.
  ///   - mask: which of them are seen; nil for all.
  public func callAsFunction(_ x: Tensor, reading context: Tensor, mask: AttentionMask? = nil) -> Tensor {
    let (q, kv) = (toQ(x), linear(context, [toK.map, toV.map]))
    if let mask {
      return toOut(maskedAttention(q, kv[0], kv[1], heads: heads, scale: scale, mask: mask))
    }
    return toOut(attention(q, kv[0], kv[1], heads: heads, scale: scale))
  }
}
