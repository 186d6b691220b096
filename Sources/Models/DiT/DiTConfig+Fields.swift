import Files

extension DiTConfig: FieldedConfig {
  /// `DiTTransformer2DModel`; files from before diffusers 0.29 say `Transformer2DModel`.
  public static let className = "DiTTransformer2DModel"

  /// diffusers' keys.
  public static let fields: [ConfigField<Self>] = [
    .value("num_attention_heads", \.numAttentionHeads),
    .value("attention_head_dim", \.attentionHeadDim),
    .value("in_channels", \.inChannels),
    .value("out_channels", \.outChannels),
    .value("num_layers", \.numLayers),
    .value("dropout", \.dropout),
    .value("norm_num_groups", \.normNumGroups),
    .value("attention_bias", \.attentionBias),
    .value("sample_size", \.sampleSize),
    .value("patch_size", \.patchSize),
    .name("activation_fn", \.activationFn),
    .value("num_embeds_ada_norm", \.numEmbedsAdaNorm),
    .value("upcast_attention", \.upcastAttention),
    .name("norm_type", \.normType),
    .value("norm_elementwise_affine", \.normElementwiseAffine),
    .value("norm_eps", \.normEps),
  ]

  /// What `Transformer2DModel` knew beside these, for transformers of other kinds.
  public static let unused: Set<String> = [
    "cross_attention_dim", "num_vector_embeds", "use_linear_projection", "only_cross_attention",
    "double_self_attention", "caption_channels", "interpolation_scale", "use_additional_conditions",
  ]

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
