import Files

extension AutoencoderKLConfig: ModelConfig {
  /// `AutoencoderKL`.
  public static let className = "AutoencoderKL"

  enum Key: String, CodingKey, CaseIterable {
    case inChannels = "in_channels"
    case outChannels = "out_channels"
    case downBlockTypes = "down_block_types"
    case upBlockTypes = "up_block_types"
    case blockOutChannels = "block_out_channels"
    case layersPerBlock = "layers_per_block"
    case actFn = "act_fn"
    case latentChannels = "latent_channels"
    case normNumGroups = "norm_num_groups"
    case sampleSize = "sample_size"
    case scalingFactor = "scaling_factor"
    case shiftFactor = "shift_factor"
    case forceUpcast = "force_upcast"
    case useQuantConv = "use_quant_conv"
    case usePostQuantConv = "use_post_quant_conv"
    case midBlockAddAttention = "mid_block_add_attention"
  }

  /// A mean and a deviation a channel, which no pipeline here applies; diffusers writes null.
  private enum StatisticsKey: String, CodingKey, CaseIterable {
    case mean = "latents_mean"
    case deviation = "latents_std"
  }

  /// - Throws: `ConfigError`, which names the key.
  public init(from decoder: any Decoder) throws {
    let reader = try ConfigReader<Key>(
      decoder, of: Self.self, unused: Set(StatisticsKey.allCases.map(\.rawValue)))
    self.init()
    try reader.read(.inChannels, &inChannels, "a whole number")
    try reader.read(.outChannels, &outChannels, "a whole number")
    try reader.read(.downBlockTypes, &downBlockTypes)
    try reader.read(.upBlockTypes, &upBlockTypes)
    try reader.read(.blockOutChannels, &blockOutChannels, "a list of whole numbers")
    try reader.read(.layersPerBlock, &layersPerBlock, "a whole number")
    try reader.readActivation(.actFn, &actFn)
    try reader.read(.latentChannels, &latentChannels, "a whole number")
    try reader.read(.normNumGroups, &normNumGroups, "a whole number")
    try reader.readSize(.sampleSize, &sampleSize)
    try reader.read(.scalingFactor, &scalingFactor, "a number")
    try reader.readOptional(.shiftFactor, &shiftFactor, "a number or null")
    try reader.read(.forceUpcast, &forceUpcast, "true or false")
    try reader.read(.useQuantConv, &useQuantConv, "true or false")
    try reader.read(.usePostQuantConv, &usePostQuantConv, "true or false")
    try reader.read(.midBlockAddAttention, &midBlockAddAttention, "true or false")
  }

  /// Writes every key, as diffusers does.
  public func encode(to encoder: any Encoder) throws {
    try encodeOrigin(to: encoder)
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(inChannels, forKey: .inChannels)
    try values.encode(outChannels, forKey: .outChannels)
    try values.encode(downBlockTypes, forKey: .downBlockTypes)
    try values.encode(upBlockTypes, forKey: .upBlockTypes)
    try values.encode(blockOutChannels, forKey: .blockOutChannels)
    try values.encode(layersPerBlock, forKey: .layersPerBlock)
    try values.encode(actFn, forKey: .actFn)
    try values.encode(latentChannels, forKey: .latentChannels)
    try values.encode(normNumGroups, forKey: .normNumGroups)
    try values.encodeSize(sampleSize, forKey: .sampleSize)
    try values.encode(scalingFactor, forKey: .scalingFactor)
    try values.encode(shiftFactor, forKey: .shiftFactor)
    try values.encode(forceUpcast, forKey: .forceUpcast)
    try values.encode(useQuantConv, forKey: .useQuantConv)
    try values.encode(usePostQuantConv, forKey: .usePostQuantConv)
    try values.encode(midBlockAddAttention, forKey: .midBlockAddAttention)
    var statistics = encoder.container(keyedBy: StatisticsKey.self)
    for key in StatisticsKey.allCases { try statistics.encodeNil(forKey: key) }
  }

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
