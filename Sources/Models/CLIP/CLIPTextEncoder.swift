import NN
import TensorCore

/// The text half of CLIP (Radford et al. 2021, "Learning transferable visual models from natural language supervision"), with
/// the keys of transformers' `CLIPTextModel` and `CLIPTextModelWithProjection`.
public struct CLIPTextEncoder {
  /// What it was built from.
  public let config: CLIPTextConfig
  /// Its tensors by key.
  public let parameters: ParameterStore

  private let tokens: Embedding
  private let positions: Embedding
  private let layers: [CLIPTextLayer]
  private let finalNorm: LayerNorm
  private let projection: Linear?

  /// Which of the layers' states are taken.
  public struct Choice: Sendable, Equatable {
    /// How many layers at the end are left out.
    public let skipped: Int
    /// Whether the final norm is taken of the states.
    public let isNormalized: Bool

    /// The last layer's, after the final norm.
    public static let final = Choice(skipped: 0, isNormalized: true)

    /// diffusers' `clip_skip`, from 0, which is `final`.
    public static func clipSkip(_ n: Int) -> Choice { Choice(skipped: n, isNormalized: true) }

    /// A1111's `Clip skip`, from 1, which is `final`.
    public static func a1111ClipSkip(_ n: Int) -> Choice { Choice(skipped: n - 1, isNormalized: true) }

    /// As SDXL takes them: the last layer but one's and no norm; diffusers' `clip_skip` leaves out more.
    public static func sdxl(clipSkip n: Int = 0) -> Choice { Choice(skipped: n + 1, isNormalized: false) }
  }

  /// What it says of a batch of texts.
  public struct Output {
    /// The chosen states, `[N, T, hidden_size]`.
    public let states: Tensor
    /// The last layer's state where a text ends, after the final norm, `[N, hidden_size]`; `[N, projection_dim]` where there
    /// is a projection.
    public let pooled: Tensor
  }

  /// Builds the network on `store`. Files of `CLIPTextModel`s may have keys with `text_model.` before or without.
  ///
  /// - Throws: `ConfigError` for an impossible configuration; `CheckpointError` or `SafetensorsError` where
  ///   the store's checkpoint does not fit it.
  public init(_ config: CLIPTextConfig, _ store: ParameterStore) throws {
    try config.validate()
    self.config = config
    parameters = store
    let (p, width) = (store.root["text_model"], config.hiddenSize)
    tokens = Embedding(
      p["embeddings"]["token_embedding"], count: config.vocabSize, size: width, deviation: 0.02)
    positions = Embedding(
      p["embeddings"]["position_embedding"], count: config.maxPositionEmbeddings, size: width, deviation: 0.02
    )
    layers = (0..<config.numHiddenLayers).map { CLIPTextLayer(p["encoder"]["layers"][$0], config) }
    finalNorm = LayerNorm(p["final_layer_norm"], size: width, epsilon: config.layerNormEps)
    projection =
      config.architecture == .plain
      ? nil
      : Linear(
        store.root["text_projection"], inputs: width, outputs: config.projectionDim ?? width, bias: false,
        fresh: FreshLinear(weight: .normal(deviation: 1 / Float(width).squareRoot())))
    try store.finish()
  }

  /// The states of texts, for a network to read.
  ///
  /// - Parameters:
  ///   - ids: N texts of T tokens each, T at most `config.maxPositionEmbeddings`.
  ///   - mask: `[N, T]`, 0 where no token sees this one; nil where all are seen. Diffusion models give none.
  ///   - choice: which layer's states.
  public func callAsFunction(_ ids: [[Int]], mask: Tensor? = nil, _ choice: Choice = .final) -> Output {
    let (n, length) = (ids.count, ids.first?.count ?? 0)
    precondition(ids.allSatisfy { $0.count == length } && length > 0, "texts of unlike lengths")
    precondition(
      (0...layers.count).contains(choice.skipped), "\(choice.skipped) of \(layers.count) layers skipped")
    let embedded = tokens(ids.flatMap { $0 }).reshaped([n, length, config.hiddenSize])
    var h = embedded.adding(each: positions(Array(0..<length)))
    let mask = AttentionMask(isCausal: true, keys: mask)
    var chosen = h
    for (i, layer) in layers.enumerated() {
      h = layer(h, mask)
      if i + 1 == layers.count - choice.skipped { chosen = h }
    }
    let last = finalNorm(h)
    let states = !choice.isNormalized ? chosen : choice.skipped == 0 ? last : finalNorm(chosen)
    let rows = ids.enumerated().map { $0 * length + end(of: $1) }
    let pooled = embedding(rows, table: last.reshaped([n * length, config.hiddenSize]))
    return Output(states: states, pooled: projection?(pooled) ?? pooled)
  }

  /// Where a text ends: at its first end token, or at its token of the highest number where the configuration is of the time
  /// when it named another end.
  private func end(of ids: [Int]) -> Int {
    guard let end = config.eosTokenID, end != 2 else {
      return ids.indices.max { ids[$0] < ids[$1] || (ids[$0] == ids[$1] && $0 > $1) } ?? 0
    }
    return ids.firstIndex(of: end) ?? 0
  }
}

/// Causal self-attention and two maps with an activation between, each after a norm and with a residual around.
private struct CLIPTextLayer {
  let norm1: LayerNorm, norm2: LayerNorm
  let toQ: Linear, toK: Linear, toV: Linear, toOut: Linear
  let rise: Linear, fall: Linear
  let heads: Int
  let activation: Activation

  init(_ p: ParameterScope, _ config: CLIPTextConfig) {
    let width = config.hiddenSize
    // Fresh weights as CLIP's: narrower the more layers add to one sum.
    let whole = 1 / Float(width).squareRoot()
    let shared = whole / Float(2 * config.numHiddenLayers).squareRoot()
    func map(_ p: ParameterScope, _ inputs: Int, _ outputs: Int, _ deviation: Float) -> Linear {
      Linear(
        p, inputs: inputs, outputs: outputs, fresh: FreshLinear(weight: .normal(deviation: deviation)))
    }
    let attention = p["self_attn"]
    toK = map(attention["k_proj"], width, width, shared)
    toV = map(attention["v_proj"], width, width, shared)
    toQ = map(attention["q_proj"], width, width, shared)
    toOut = map(attention["out_proj"], width, width, whole)
    norm1 = LayerNorm(p["layer_norm1"], size: width, epsilon: config.layerNormEps)
    rise = map(p["mlp"]["fc1"], width, config.intermediateSize, whole / Float(2).squareRoot())
    fall = map(p["mlp"]["fc2"], config.intermediateSize, width, shared)
    norm2 = LayerNorm(p["layer_norm2"], size: width, epsilon: config.layerNormEps)
    heads = config.numAttentionHeads
    activation = config.hiddenAct
  }

  /// [N, T, D] → [N, T, D]
  func callAsFunction(_ x: Tensor, _ mask: AttentionMask) -> Tensor {
    let qkv = linear(norm1(x), [toQ.map, toK.map, toV.map])
    let scale = 1 / Float(x.shape[2] / heads).squareRoot()
    let mixed = maskedAttention(qkv[0], qkv[1], qkv[2], heads: heads, scale: scale, mask: mask)
    let h = x + toOut(mixed)
    return h + fall(rise(norm2(h), activation: activation))
  }
}
