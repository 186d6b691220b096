import TensorCore

/// Multi-head self-attention over tokens (Vaswani et al. 2017): diffusers' `Attention` with nothing around it.
public struct TokenAttention {
  let toQ: Linear, toK: Linear, toV: Linear, toOut: Linear
  let heads: Int
  let scale: Float

  /// - Parameters:
  ///   - channels: of a token.
  ///   - heads: how many; each has `headSize` channels.
  ///   - bias: whether queries, keys and values have one.
  ///   - isXavier: whether fresh weights are Glorot & Bengio's, and not PyTorch's.
  public init(
    _ p: ParameterScope, channels: Int, heads: Int, headSize: Int, bias: Bool = true, isXavier: Bool = false
  ) {
    let inner = heads * headSize
    let fresh = isXavier ? FreshLinear.xavier(inputs: channels, outputs: inner) : nil
    toQ = Linear(p["to_q"], inputs: channels, outputs: inner, bias: bias, fresh: fresh)
    toK = Linear(p["to_k"], inputs: channels, outputs: inner, bias: bias, fresh: fresh)
    toV = Linear(p["to_v"], inputs: channels, outputs: inner, bias: bias, fresh: fresh)
    toOut = Linear(p["to_out"][0], inputs: inner, outputs: channels, fresh: fresh)
    self.heads = heads
    scale = 1 / Float(headSize).squareRoot()
  }

  /// [N, T, C] → [N, T, C]
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let qkv = linear(x, [toQ.map, toK.map, toV.map])
    return toOut(attention(qkv[0], qkv[1], qkv[2], heads: heads, scale: scale))
  }
}
