import Files

extension AutoencoderKLConfig: FieldedConfig {
  /// `AutoencoderKL`.
  public static let className = "AutoencoderKL"

  /// diffusers' keys.
  public static let fields: [ConfigField<Self>] = [
    .value("in_channels", \.inChannels),
    .value("out_channels", \.outChannels),
    .names("down_block_types", \.downBlockTypes),
    .names("up_block_types", \.upBlockTypes),
    .value("block_out_channels", \.blockOutChannels),
    .value("layers_per_block", \.layersPerBlock),
    .activation("act_fn", \.actFn),
    .value("latent_channels", \.latentChannels),
    .value("norm_num_groups", \.normNumGroups),
    .size("sample_size", \.sampleSize),
    .value("scaling_factor", \.scalingFactor),
    .value("shift_factor", \.shiftFactor),
    .value("force_upcast", \.forceUpcast),
    .value("use_quant_conv", \.useQuantConv),
    .value("use_post_quant_conv", \.usePostQuantConv),
    .value("mid_block_add_attention", \.midBlockAddAttention),
  ]

  /// A mean and a deviation a channel, which no pipeline here applies.
  public static let inert: [String: ConfigValue] = ["latents_mean": .null, "latents_std": .null]

  /// - Throws: `ConfigError`, which names the key or the layer.
  public func validate() throws(ConfigError) {
    try requireBlocks(
      down: downBlockTypes.count, up: upBlockTypes.count, channels: blockOutChannels,
      others: [inChannels, outChannels, latentChannels], layers: layersPerBlock)
    try require(
      scalingFactor.isFinite && scalingFactor != 0, "has scaling_factor \(scalingFactor); it must not be 0")
    try validateLayers { _ = AutoencoderKL(valid: self, $0) }
  }
}
