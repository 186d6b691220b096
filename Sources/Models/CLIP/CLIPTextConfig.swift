import Files
import Foundation
import TensorCore

/// The configuration of a `CLIPTextEncoder`: transformers' `CLIPTextConfig` keys and defaults.
public struct CLIPTextConfig: Sendable, Equatable {
  /// transformers' classes of this network.
  public enum Architecture: String, Sendable, CaseIterable {
    /// Without a projection of the pooled state.
    case plain = "CLIPTextModel"
    /// With one.
    case projected = "CLIPTextModelWithProjection"
  }

  /// Whether the pooled state is projected.
  public var architecture = Architecture.plain
  /// How many tokens there are.
  public var vocabSize = 49408
  /// Channels of a token.
  public var hiddenSize = 512
  /// Channels inside a feed-forward layer.
  public var intermediateSize = 2048
  /// Channels of the projected pooled state.
  public var projectionDim: Int? = 512
  /// Transformer layers.
  public var numHiddenLayers = 12
  /// Heads of each attention.
  public var numAttentionHeads = 8
  /// The most tokens of a text.
  public var maxPositionEmbeddings = 77
  /// What stands between the maps of a feed-forward layer.
  public var hiddenAct = Activation.quickGELU
  /// ε of the norms.
  public var layerNormEps: Float = 1e-5
  /// The token that fills a text up.
  public var padTokenID: Int? = 1
  /// The token that begins a text.
  public var bosTokenID: Int? = 49406
  /// The token that ends a text. Where it is 2, as in files from before it was set right, the token of the highest number
  /// does.
  public var eosTokenID: Int? = 49407

  /// transformers' defaults.
  public init() {}
}

extension CLIPTextConfig: ModelConfig {
  /// `CLIPTextModel`; with a projection the architecture says so.
  public static let className = Architecture.plain.rawValue

  enum Key: String, CodingKey, CaseIterable {
    case architectures
    case modelType = "model_type"
    case vocabSize = "vocab_size"
    case hiddenSize = "hidden_size"
    case intermediateSize = "intermediate_size"
    case projectionDim = "projection_dim"
    case numHiddenLayers = "num_hidden_layers"
    case numAttentionHeads = "num_attention_heads"
    case maxPositionEmbeddings = "max_position_embeddings"
    case hiddenAct = "hidden_act"
    case layerNormEps = "layer_norm_eps"
    case attentionDropout = "attention_dropout"
    case initializerRange = "initializer_range"
    case padTokenID = "pad_token_id"
    case bosTokenID = "bos_token_id"
    case eosTokenID = "eos_token_id"
    case transformersVersion = "transformers_version"
  }

  private static let activations: [String: Activation] = [
    "quick_gelu": .quickGELU, "gelu": .gelu, "gelu_new": .geluTanh, "gelu_pytorch_tanh": .geluTanh,
    "relu": .relu, "silu": .silu, "swish": .silu,
  ]

  /// transformers writes keys of its own beside a network's; those that are not known here say nothing of it.
  ///
  /// - Throws: `ConfigError`, which names the key.
  public init(from decoder: any Decoder) throws {
    let reader = try ConfigReader<Key>(ignoringUnknownIn: decoder) { ConfigError($0) }
    self.init()
    var (architectures, modelType): ([String]?, String?) = (nil, nil)
    try reader.readOptional(.architectures, &architectures, "a list of names")
    try reader.readOptional(.modelType, &modelType, "a name")
    // The encoder of a whole CLIP names itself after that.
    guard modelType == nil || modelType == "clip_text_model" || modelType == "clip" else {
      throw ConfigError("has the model_type '\(modelType ?? "")'; clip_text_model is known")
    }
    if let name = architectures?.first {
      guard let known = Architecture(rawValue: name) else {
        throw ConfigError("has the architecture '\(name)'; \(reader.list(Architecture.self)) is known")
      }
      architecture = known
    }
    try reader.read(.vocabSize, &vocabSize, "a whole number")
    try reader.read(.hiddenSize, &hiddenSize, "a whole number")
    try reader.read(.intermediateSize, &intermediateSize, "a whole number")
    try reader.readOptional(.projectionDim, &projectionDim, "a whole number or null")
    try reader.read(.numHiddenLayers, &numHiddenLayers, "a whole number")
    try reader.read(.numAttentionHeads, &numAttentionHeads, "a whole number")
    try reader.read(.maxPositionEmbeddings, &maxPositionEmbeddings, "a whole number")
    var activation = "quick_gelu"
    try reader.read(.hiddenAct, &activation, "a name")
    guard let known = Self.activations[activation] else {
      throw ConfigError(
        "has the unknown hidden_act '\(activation)'; "
          + "\(Self.activations.keys.sorted().joined(separator: ", ")) are known")
    }
    hiddenAct = known
    try reader.read(.layerNormEps, &layerNormEps, "a number")
    try reader.readOptional(.padTokenID, &padTokenID, "a whole number or null")
    try reader.readOptional(.bosTokenID, &bosTokenID, "a whole number or null")
    try reader.readOptional(.eosTokenID, &eosTokenID, "a whole number or null")
  }

  /// As transformers writes it.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode([architecture.rawValue], forKey: .architectures)
    try values.encode("clip_text_model", forKey: .modelType)
    try values.encode(vocabSize, forKey: .vocabSize)
    try values.encode(hiddenSize, forKey: .hiddenSize)
    try values.encode(intermediateSize, forKey: .intermediateSize)
    try values.encode(projectionDim, forKey: .projectionDim)
    try values.encode(numHiddenLayers, forKey: .numHiddenLayers)
    try values.encode(numAttentionHeads, forKey: .numAttentionHeads)
    try values.encode(maxPositionEmbeddings, forKey: .maxPositionEmbeddings)
    let name = hiddenAct == .geluTanh ? "gelu_new" : hiddenAct.rawValue
    try values.encode(name, forKey: .hiddenAct)
    try values.encode(layerNormEps, forKey: .layerNormEps)
    try values.encode(0, forKey: .attentionDropout)
    try values.encode(0.02, forKey: .initializerRange)
    try values.encode(padTokenID, forKey: .padTokenID)
    try values.encode(bosTokenID, forKey: .bosTokenID)
    try values.encode(eosTokenID, forKey: .eosTokenID)
    try values.encode("5.23.0", forKey: .transformersVersion)
  }

  /// - Throws: `ConfigError`, which names the key.
  public func validate() throws(ConfigError) {
    for (key, size, most) in [
      ("vocab_size", vocabSize, 1_000_000), ("hidden_size", hiddenSize, 16_384),
      ("intermediate_size", intermediateSize, 65_536), ("num_hidden_layers", numHiddenLayers, 1024),
      ("max_position_embeddings", maxPositionEmbeddings, 65_536),
      ("projection_dim", architecture == .projected ? projectionDim ?? 0 : 1, 65_536),
    ] {
      try require((1...most).contains(size), "has \(key) \(size); 1 to \(most) are possible")
    }
    try require(
      numAttentionHeads > 0 && hiddenSize % numAttentionHeads == 0,
      "has a hidden_size of \(hiddenSize), which num_attention_heads \(numAttentionHeads) does not divide")
    try require(layerNormEps >= 0, "has layer_norm_eps \(layerNormEps); it must not be negative")
  }
}
