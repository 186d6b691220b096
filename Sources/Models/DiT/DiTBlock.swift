import NN
import TensorCore

/// A transformer block whose norms and residuals the condition steers: adaLN-Zero (Peebles & Xie 2023, figure 3).
///
///     x ─ norm·(1 + scale₁) + shift₁ ─ attention ──── ·gate₁ ─ + ─ norm·(1 + scale₂) + shift₂ ─ feed-forward ─ ·gate₂ ─ +
///     └────────────────────────────────────────────────────────┘└──────────────────────────────────────────────────────┘
struct DiTBlock {
  let norm1: AdaptiveNorm
  let attention: TokenAttention
  let norm3: LayerNorm
  let feedForward: FeedForward
  let dropout: Float
  private let dropoutIndex: UInt32

  init(_ p: ParameterScope, _ config: DiTConfig) {
    norm1 = AdaptiveNorm(p["norm1"], width: config.width, classes: config.numEmbedsAdaNorm)
    attention = TokenAttention(
      p["attn1"], channels: config.width, heads: config.numAttentionHeads, headSize: config.attentionHeadDim,
      bias: config.attentionBias, isXavier: true)
    norm3 = LayerNorm(
      p["norm3"], size: config.width, epsilon: config.normEps, affine: config.normElementwiseAffine)
    feedForward = FeedForward(
      p["ff"], width: config.width, .activation(config.activationFn.activation), dropout: config.dropout,
      isXavier: true)
    dropout = config.dropout
    dropoutIndex = UInt32(truncatingIfNeeded: KeyHash.fnv1a(p["attn1"].path))
  }

  /// - Parameters:
  ///   - x: `[N, T, D]`.
  ///   - condition: SiLU of this block's embedding, `[N, D]`.
  ///   - key: of this step's drop-out, or nil outside training.
  func callAsFunction(_ x: Tensor, _ condition: Tensor, dropout key: NoiseKey?) -> Tensor {
    let m = norm1.modulation(condition)
    var mixed = attention(norm1.norm(x, modulation: m.attention))
    if var key, dropout > 0 {
      key.index = dropoutIndex
      mixed = TensorCore.dropout(mixed, probability: dropout, key: key)
    }
    let h = x.adding(mixed, gate: m.attentionGate)
    return h.adding(
      feedForward(norm3(h, modulation: m.feedForward), dropout: key), gate: m.feedForwardGate)
  }
}

/// What the condition tells a block, with the first norm that it steers: diffusers' `AdaLayerNormZero`.
struct AdaptiveNorm {
  let timeEmbedding: TimestepEmbedding
  let classEmbedding: Embedding
  let linear: Linear
  let norm: LayerNorm
  private let width: Int

  /// Scales, shifts and gates, `[N, D]` each.
  struct Modulation {
    let attention: (scale: Tensor, shift: Tensor), attentionGate: Tensor
    let feedForward: (scale: Tensor, shift: Tensor), feedForwardGate: Tensor
  }

  init(_ p: ParameterScope, width: Int, classes: Int) {
    timeEmbedding = TimestepEmbedding(
      p["emb"]["timestep_embedder"], inputs: 256, outputs: width,
      fresh: FreshLinear(weight: .normal(deviation: 0.02)))
    classEmbedding = Embedding(
      p["emb"]["class_embedder"]["embedding_table"], count: classes + 1, size: width, deviation: 0.02)
    // Gates of 0 make a fresh block the identity, which is what makes deep ones trainable.
    linear = Linear(p["linear"], inputs: width, outputs: 6 * width, fresh: .zero)
    norm = LayerNorm(p["norm"], size: width, epsilon: 1e-6, affine: false)
    self.width = width
  }

  /// - Parameters:
  ///   - time: the sinusoids of N timesteps, `[N, 256]`.
  ///   - labels: N classes, or blends of them.
  /// - Returns: `[N, D]`.
  func embedding(_ time: Tensor, _ labels: ClassLabels) -> Tensor {
    guard let label = labels.embedded({ classEmbedding($0) }) else {
      preconditionFailure("a transformer's classes are numbers")
    }
    return timeEmbedding(time) + label
  }

  /// - Parameter condition: SiLU of the embedding, `[N, D]`.
  func modulation(_ condition: Tensor) -> Modulation {
    let parts = linear(condition).splitChannels(Array(repeating: width, count: 6))
    return Modulation(
      attention: (scale: parts[1], shift: parts[0]), attentionGate: parts[2],
      feedForward: (scale: parts[4], shift: parts[3]), feedForwardGate: parts[5])
  }
}
