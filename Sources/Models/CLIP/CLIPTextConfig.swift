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

  /// The keys of a network in transformers' files.
  static let fields: [ConfigField<Self>] = [
    ConfigField("architectures") { reader, config in
      var names: [String]?
      try reader.read("architectures", &names, "a list of names")
      guard let name = names?.first else { return }
      guard let known = Architecture(rawValue: name) else {
        throw ConfigError("has the architecture '\(name)'; \(ConfigReader.list(Architecture.self)) is known")
      }
      config.architecture = known
    } write: {
      try $1.encode([$0.architecture.rawValue], forKey: ConfigKey(stringValue: "architectures"))
    },
    ConfigField("hidden_act") { reader, config in
      var name = "quick_gelu"
      try reader.read("hidden_act", &name, "a name")
      guard let known = activations[name] else {
        throw ConfigError(
          "has the unknown hidden_act '\(name)'; \(activations.keys.sorted().joined(separator: ", ")) are known"
        )
      }
      config.hiddenAct = known
    } write: {
      let name = $0.hiddenAct == .geluTanh ? "gelu_new" : $0.hiddenAct.rawValue
      try $1.encode(name, forKey: ConfigKey(stringValue: "hidden_act"))
    },
    .value("vocab_size", \.vocabSize),
    .value("hidden_size", \.hiddenSize),
    .value("intermediate_size", \.intermediateSize),
    .value("projection_dim", \.projectionDim),
    .value("num_hidden_layers", \.numHiddenLayers),
    .value("num_attention_heads", \.numAttentionHeads),
    .value("max_position_embeddings", \.maxPositionEmbeddings),
    .value("layer_norm_eps", \.layerNormEps),
    .value("pad_token_id", \.padTokenID),
    .value("bos_token_id", \.bosTokenID),
    .value("eos_token_id", \.eosTokenID),
  ]

  /// What transformers writes beside them and nothing here asks for.
  private static let constants: [String: ConfigValue] = [
    "model_type": .text("clip_text_model"), "attention_dropout": .number(0),
    "initializer_range": .number(0.02),
    "transformers_version": .text("5.23.0"),
  ]

  private static let activations: [String: Activation] = [
    "quick_gelu": .quickGELU, "gelu": .gelu, "gelu_new": .geluTanh, "gelu_pytorch_tanh": .geluTanh,
    "relu": .relu, "silu": .silu, "swish": .silu,
  ]

  /// transformers writes keys of its own beside a network's; those that are not known here say nothing of it.
  ///
  /// - Throws: `ConfigError`, which names the key.
  public init(from decoder: any Decoder) throws {
    let reader = try ConfigReader(ignoringUnknownIn: decoder) { ConfigError($0) }
    self.init()
    var modelType: String?
    try reader.read("model_type", &modelType, "a name")
    // The encoder of a whole CLIP names itself after that.
    guard modelType == nil || modelType == "clip_text_model" || modelType == "clip" else {
      throw ConfigError("has the model_type '\(modelType ?? "")'; clip_text_model is known")
    }
    for field in Self.fields { try field.read(reader, &self) }
  }

  /// As transformers writes it.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: ConfigKey.self)
    for (key, value) in Self.constants { try values.encode(value, forKey: ConfigKey(stringValue: key)) }
    for field in Self.fields { try field.write(self, &values) }
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
