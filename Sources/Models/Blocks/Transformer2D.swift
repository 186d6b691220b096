import NN
import TensorCore

/// A transformer over a feature map's pixels, which reads a text (Rombach et al. 2022): diffusers' `Transformer2DModel` as
/// text-conditioned U-Nets use it.
///
///     x ─ norm ─ 1×1 map ─ blocks ─ 1×1 map ─ +
///     └───────────────────────────────────────┘
struct Transformer2D: MapAttention {
  struct Options {
    /// Of each attention; each has a share of the channels, rounded down.
    var heads: Int
    /// Transformer blocks.
    var layers: Int
    /// Channels of a text's token.
    var textChannels: Int
    /// Of the normalisation.
    var groups: Int
    /// Whether the first attention of a block reads the text too, and not the pixels.
    var readsTextAlone: Bool
    /// How the checkpoint keeps the maps around the blocks.
    var projections: Linear.Form
  }

  let norm: GroupNorm
  let projIn: Linear, projOut: Linear
  let blocks: [TransformerBlock]

  init(_ p: ParameterScope, channels: Int, _ options: Options) {
    p.require(
      (1...channels).contains(options.heads), "\(channels) channels, too few for \(options.heads) heads")
    let heads = min(max(options.heads, 1), channels)
    let width = channels / heads * heads
    norm = GroupNorm(p["norm"], channels: channels, groups: options.groups, epsilon: 1e-6)
    projIn = Linear(p["proj_in"], inputs: channels, outputs: width, form: options.projections)
    blocks = (0..<options.layers).map {
      TransformerBlock(p["transformer_blocks"][$0], channels: width, heads: heads, options)
    }
    projOut = Linear(p["proj_out"], inputs: width, outputs: channels, form: options.projections)
  }

  /// [N, C, H, W] → [N, C, H, W]
  func callAsFunction(_ x: Tensor, _ context: BlockContext) -> Tensor {
    guard let text = context.text else {
      preconditionFailure("a network with cross-attention must be given a text's states")
    }
    let mask = text.mask.map { AttentionMask(keys: $0) }
    var h = linear(overPixelsOf: x, after: norm.with(), [projIn.map])[0]  // [N, T, D]
    for block in blocks { h = block(h, text.states, mask) }
    return linear(h, projOut.map, ontoPixelsOf: x)
  }
}

/// Self-attention, attention to a text, and a gated feed-forward layer, each after a norm and with a residual around:
/// diffusers' `BasicTransformerBlock`.
struct TransformerBlock {
  let norm1: LayerNorm, norm2: LayerNorm, norm3: LayerNorm
  let attention1: TokenAttention, attention2: TokenAttention
  let feedForward: FeedForward
  let readsTextAlone: Bool

  init(_ p: ParameterScope, channels: Int, heads: Int, _ options: Transformer2D.Options) {
    readsTextAlone = options.readsTextAlone
    func attention(_ p: ParameterScope, contextChannels: Int?) -> TokenAttention {
      TokenAttention(
        p, channels: channels, contextChannels: contextChannels, heads: heads, headSize: channels / heads,
        bias: false)
    }
    norm1 = LayerNorm(p["norm1"], size: channels)
    attention1 = attention(p["attn1"], contextChannels: readsTextAlone ? options.textChannels : nil)
    norm2 = LayerNorm(p["norm2"], size: channels)
    attention2 = attention(p["attn2"], contextChannels: options.textChannels)
    norm3 = LayerNorm(p["norm3"], size: channels)
    feedForward = FeedForward(p["ff"], width: channels, .geglu)
  }

  /// - Parameters:
  ///   - x: `[N, T, D]`.
  ///   - text: `[N, S, E]`.
  ///   - mask: which of the text's tokens are seen; nil for all.
  func callAsFunction(_ x: Tensor, _ text: Tensor, _ mask: AttentionMask?) -> Tensor {
    var h = x
    // As diffusers, which gives the text's mask to the second attention alone.
    h = (readsTextAlone ? attention1(norm1(h), reading: text) : attention1(norm1(h))) + h
    h = attention2(norm2(h), reading: text, mask: mask) + h
    return feedForward(norm3(h)) + h
  }
}
