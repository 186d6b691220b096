import Files

extension DiTConfig: ModelConfig {
  /// `DiTTransformer2DModel`; files from before diffusers 0.29 say `Transformer2DModel`.
  public static let className = "DiTTransformer2DModel"

  enum Key: String, CodingKey, CaseIterable {
    case numAttentionHeads = "num_attention_heads"
    case attentionHeadDim = "attention_head_dim"
    case inChannels = "in_channels"
    case outChannels = "out_channels"
    case numLayers = "num_layers"
    case dropout
    case normNumGroups = "norm_num_groups"
    case attentionBias = "attention_bias"
    case sampleSize = "sample_size"
    case patchSize = "patch_size"
    case activationFn = "activation_fn"
    case numEmbedsAdaNorm = "num_embeds_ada_norm"
    case upcastAttention = "upcast_attention"
    case normType = "norm_type"
    case normElementwiseAffine = "norm_elementwise_affine"
    case normEps = "norm_eps"
  }

  /// What `Transformer2DModel` knew beside these, for transformers of other kinds.
  private static let transformerKeys: Set<String> = [
    "cross_attention_dim", "num_vector_embeds", "use_linear_projection", "only_cross_attention",
    "double_self_attention", "caption_channels", "interpolation_scale", "use_additional_conditions",
  ]

  /// - Throws: `ConfigError`, which names the key.
  public init(from decoder: any Decoder) throws {
    let reader = try ConfigReader<Key>(decoder, of: Self.self, unused: Self.transformerKeys)
    self.init()
    try reader.read(.numAttentionHeads, &numAttentionHeads, "a whole number")
    try reader.read(.attentionHeadDim, &attentionHeadDim, "a whole number")
    try reader.read(.inChannels, &inChannels, "a whole number")
    try reader.readOptional(.outChannels, &outChannels, "a whole number or null")
    try reader.read(.numLayers, &numLayers, "a whole number")
    try reader.read(.dropout, &dropout, "a number")
    try reader.read(.normNumGroups, &normNumGroups, "a whole number")
    try reader.read(.attentionBias, &attentionBias, "true or false")
    try reader.read(.sampleSize, &sampleSize, "a whole number")
    try reader.read(.patchSize, &patchSize, "a whole number")
    try reader.read(.activationFn, &activationFn)
    try reader.read(.numEmbedsAdaNorm, &numEmbedsAdaNorm, "a whole number")
    try reader.read(.upcastAttention, &upcastAttention, "true or false")
    try reader.read(.normType, &normType)
    try reader.read(.normElementwiseAffine, &normElementwiseAffine, "true or false")
    try reader.read(.normEps, &normEps, "a number")
  }

  /// Writes every key, as diffusers does.
  public func encode(to encoder: any Encoder) throws {
    try encodeOrigin(to: encoder)
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(numAttentionHeads, forKey: .numAttentionHeads)
    try values.encode(attentionHeadDim, forKey: .attentionHeadDim)
    try values.encode(inChannels, forKey: .inChannels)
    try values.encode(outChannels, forKey: .outChannels)
    try values.encode(numLayers, forKey: .numLayers)
    try values.encode(dropout, forKey: .dropout)
    try values.encode(normNumGroups, forKey: .normNumGroups)
    try values.encode(attentionBias, forKey: .attentionBias)
    try values.encode(sampleSize, forKey: .sampleSize)
    try values.encode(patchSize, forKey: .patchSize)
    try values.encode(activationFn, forKey: .activationFn)
    try values.encode(numEmbedsAdaNorm, forKey: .numEmbedsAdaNorm)
    try values.encode(upcastAttention, forKey: .upcastAttention)
    try values.encode(normType, forKey: .normType)
    try values.encode(normElementwiseAffine, forKey: .normElementwiseAffine)
    try values.encode(normEps, forKey: .normEps)
  }

  /// - Throws: `ConfigError`, which names the key.
  public func validate() throws(ConfigError) {
    try require(
      (1...1024).contains(numAttentionHeads) && (1...4096).contains(attentionHeadDim) && width <= 16_384,
      "has num_attention_heads \(numAttentionHeads) of attention_head_dim \(attentionHeadDim); together they must be "
        + "1 to 16384 channels")
    try require(
      width % 4 == 0,
      "has tokens of \(width) channels (num_attention_heads · attention_head_dim); sines and cosines of two "
        + "coordinates need a multiple of 4")
    try require(
      [inChannels, predictedChannels].allSatisfy { (1...16_384).contains($0) },
      "has a number of channels outside 1 to 16384")
    try require((1...1024).contains(numLayers), "has num_layers \(numLayers); 1 to 1024 are possible")
    try require((0..<1).contains(dropout), "has dropout \(dropout); it must be at least 0 and below 1")
    try require((1...1024).contains(patchSize), "has patch_size \(patchSize); 1 to 1024 are possible")
    try require(
      (1...65_536).contains(sampleSize) && sampleSize % patchSize == 0,
      "has sample_size \(sampleSize), which its patch_size \(patchSize) does not divide")
    try require(
      (1...1_000_000).contains(numEmbedsAdaNorm),
      "has num_embeds_ada_norm \(numEmbedsAdaNorm); 1 to 1000000 are possible")
    try require(normEps >= 0, "has norm_eps \(normEps); it must not be negative")
    try validateLayers { _ = DiT(valid: self, $0) }
  }
}
