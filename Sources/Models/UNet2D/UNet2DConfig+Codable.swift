import Files

// By hand, and not synthesised, for three reasons: absent keys take diffusers' defaults, an unknown key is
// refused by name, and `sample_size` may be a number or a pair.
extension UNet2DConfig: ModelConfig {
  /// `UNet2DModel`.
  public static let className = "UNet2DModel"

  enum Key: String, CodingKey, CaseIterable {
    case sampleSize = "sample_size"
    case inChannels = "in_channels"
    case outChannels = "out_channels"
    case centerInputSample = "center_input_sample"
    case timeEmbeddingType = "time_embedding_type"
    case timeEmbeddingDim = "time_embedding_dim"
    case freqShift = "freq_shift"
    case flipSinToCos = "flip_sin_to_cos"
    case downBlockTypes = "down_block_types"
    case midBlockType = "mid_block_type"
    case upBlockTypes = "up_block_types"
    case blockOutChannels = "block_out_channels"
    case layersPerBlock = "layers_per_block"
    case midBlockScaleFactor = "mid_block_scale_factor"
    case downsamplePadding = "downsample_padding"
    case downsampleType = "downsample_type"
    case upsampleType = "upsample_type"
    case dropout
    case actFn = "act_fn"
    case attentionHeadDim = "attention_head_dim"
    case normNumGroups = "norm_num_groups"
    case attnNormNumGroups = "attn_norm_num_groups"
    case normEps = "norm_eps"
    case resnetTimeScaleShift = "resnet_time_scale_shift"
    case addAttention = "add_attention"
    case classEmbedType = "class_embed_type"
    case numClassEmbeds = "num_class_embeds"
    case numTrainTimesteps = "num_train_timesteps"
  }

  /// - Throws: `ConfigError`, which names the key.
  public init(from decoder: any Decoder) throws {
    let reader = try ConfigReader<Key>(decoder, of: Self.self)
    self.init()
    try reader.readSize(.sampleSize, &sampleSize)
    try reader.read(.inChannels, &inChannels, "a whole number")
    try reader.read(.outChannels, &outChannels, "a whole number")
    try reader.read(.centerInputSample, &centerInputSample, "true or false")
    try reader.read(.timeEmbeddingType, &timeEmbeddingType)
    try reader.readOptional(.timeEmbeddingDim, &timeEmbeddingDim, "a whole number")
    try reader.read(.freqShift, &freqShift, "a number")
    try reader.read(.flipSinToCos, &flipSinToCos, "true or false")
    try reader.read(.downBlockTypes, &downBlockTypes)
    try reader.readOptional(.midBlockType, &midBlockType, reader.list(MidBlockType.self))
    try reader.read(.upBlockTypes, &upBlockTypes)
    try reader.read(.blockOutChannels, &blockOutChannels, "a list of whole numbers")
    try reader.read(.layersPerBlock, &layersPerBlock, "a whole number")
    try reader.read(.midBlockScaleFactor, &midBlockScaleFactor, "a number")
    try reader.read(.downsamplePadding, &downsamplePadding, "a whole number")
    try reader.read(.downsampleType, &downsampleType)
    try reader.read(.upsampleType, &upsampleType)
    try reader.read(.dropout, &dropout, "a number")
    try reader.readActivation(.actFn, &actFn)
    try reader.readOptional(.attentionHeadDim, &attentionHeadDim, "a whole number or null")
    try reader.read(.normNumGroups, &normNumGroups, "a whole number")
    try reader.readOptional(.attnNormNumGroups, &attnNormNumGroups, "a whole number or null")
    try reader.read(.normEps, &normEps, "a number")
    try reader.read(.resnetTimeScaleShift, &resnetTimeScaleShift)
    try reader.read(.addAttention, &addAttention, "true or false")
    try reader.readOptional(.classEmbedType, &classEmbedType, "null or " + reader.list(ClassEmbedType.self))
    try reader.readOptional(.numClassEmbeds, &numClassEmbeds, "a whole number or null")
    try reader.readOptional(.numTrainTimesteps, &numTrainTimesteps, "a whole number or null")
  }

  /// Writes every key, as diffusers does.
  public func encode(to encoder: any Encoder) throws {
    try encodeOrigin(to: encoder)
    var values = encoder.container(keyedBy: Key.self)
    try values.encodeSize(sampleSize, forKey: .sampleSize)
    try values.encode(inChannels, forKey: .inChannels)
    try values.encode(outChannels, forKey: .outChannels)
    try values.encode(centerInputSample, forKey: .centerInputSample)
    try values.encode(timeEmbeddingType, forKey: .timeEmbeddingType)
    try values.encode(timeEmbeddingDim, forKey: .timeEmbeddingDim)
    try values.encode(freqShift, forKey: .freqShift)
    try values.encode(flipSinToCos, forKey: .flipSinToCos)
    try values.encode(downBlockTypes, forKey: .downBlockTypes)
    try values.encode(midBlockType, forKey: .midBlockType)
    try values.encode(upBlockTypes, forKey: .upBlockTypes)
    try values.encode(blockOutChannels, forKey: .blockOutChannels)
    try values.encode(layersPerBlock, forKey: .layersPerBlock)
    try values.encode(midBlockScaleFactor, forKey: .midBlockScaleFactor)
    try values.encode(downsamplePadding, forKey: .downsamplePadding)
    try values.encode(downsampleType, forKey: .downsampleType)
    try values.encode(upsampleType, forKey: .upsampleType)
    try values.encode(dropout, forKey: .dropout)
    try values.encode(actFn, forKey: .actFn)
    try values.encode(attentionHeadDim, forKey: .attentionHeadDim)
    try values.encode(normNumGroups, forKey: .normNumGroups)
    try values.encode(attnNormNumGroups, forKey: .attnNormNumGroups)
    try values.encode(normEps, forKey: .normEps)
    try values.encode(resnetTimeScaleShift, forKey: .resnetTimeScaleShift)
    try values.encode(addAttention, forKey: .addAttention)
    try values.encode(classEmbedType, forKey: .classEmbedType)
    try values.encode(numClassEmbeds, forKey: .numClassEmbeds)
    try values.encode(numTrainTimesteps, forKey: .numTrainTimesteps)
  }
}
