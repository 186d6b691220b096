import Files

extension UNet2DConditionConfig: ModelConfig {
  /// `UNet2DConditionModel`.
  public static let className = "UNet2DConditionModel"

  enum Key: String, CodingKey, CaseIterable {
    case sampleSize = "sample_size"
    case inChannels = "in_channels"
    case outChannels = "out_channels"
    case centerInputSample = "center_input_sample"
    case flipSinToCos = "flip_sin_to_cos"
    case freqShift = "freq_shift"
    case downBlockTypes = "down_block_types"
    case midBlockType = "mid_block_type"
    case upBlockTypes = "up_block_types"
    case onlyCrossAttention = "only_cross_attention"
    case blockOutChannels = "block_out_channels"
    case layersPerBlock = "layers_per_block"
    case downsamplePadding = "downsample_padding"
    case midBlockScaleFactor = "mid_block_scale_factor"
    case dropout
    case actFn = "act_fn"
    case normNumGroups = "norm_num_groups"
    case normEps = "norm_eps"
    case crossAttentionDim = "cross_attention_dim"
    case transformerLayersPerBlock = "transformer_layers_per_block"
    case reverseTransformerLayersPerBlock = "reverse_transformer_layers_per_block"
    case encoderHidDim = "encoder_hid_dim"
    case encoderHidDimType = "encoder_hid_dim_type"
    case attentionHeadDim = "attention_head_dim"
    case useLinearProjection = "use_linear_projection"
    case classEmbedType = "class_embed_type"
    case additionEmbedType = "addition_embed_type"
    case additionTimeEmbedDim = "addition_time_embed_dim"
    case numClassEmbeds = "num_class_embeds"
    case upcastAttention = "upcast_attention"
    case resnetTimeScaleShift = "resnet_time_scale_shift"
    case timeEmbeddingDim = "time_embedding_dim"
    case timeCondProjDim = "time_cond_proj_dim"
    case convInKernel = "conv_in_kernel"
    case convOutKernel = "conv_out_kernel"
    case projectionClassEmbeddingsInputDim = "projection_class_embeddings_input_dim"
  }

  /// What networks of other kinds ask for by the same class, with the values that ask for nothing.
  static let otherKinds: [String: ConfigValue] = [
    "num_attention_heads": .null, "dual_cross_attention": .bool(false), "resnet_skip_time_act": .bool(false),
    "resnet_out_scale_factor": .number(1), "time_embedding_type": .text("positional"),
    "time_embedding_act_fn": .null, "timestep_post_act": .null, "attention_type": .text("default"),
    "class_embeddings_concat": .bool(false), "mid_block_only_cross_attention": .null,
    "cross_attention_norm": .null, "addition_embed_type_num_heads": .number(64),
  ]

  /// - Throws: `ConfigError`, which names the key.
  public init(from decoder: any Decoder) throws {
    let reader = try ConfigReader<Key>(decoder, of: Self.self, inert: Self.otherKinds)
    self.init()
    try reader.readSize(.sampleSize, &sampleSize)
    try reader.read(.inChannels, &inChannels, "a whole number")
    try reader.read(.outChannels, &outChannels, "a whole number")
    try reader.read(.centerInputSample, &centerInputSample, "true or false")
    try reader.read(.flipSinToCos, &flipSinToCos, "true or false")
    try reader.read(.freqShift, &freqShift, "a number")
    try reader.read(
      .downBlockTypes, &downBlockTypes, "a list of block types (\(reader.list(DownBlockType.self)))")
    try reader.readOptional(.midBlockType, &midBlockType, "null or " + reader.list(MidBlockType.self))
    try reader.read(.upBlockTypes, &upBlockTypes, "a list of block types (\(reader.list(UpBlockType.self)))")
    try reader.read(.onlyCrossAttention, &onlyCrossAttention, "true or false, or a list of them")
    try reader.read(.blockOutChannels, &blockOutChannels, "a list of whole numbers")
    try reader.read(.layersPerBlock, &layersPerBlock, "a whole number or a list of them")
    try reader.read(.downsamplePadding, &downsamplePadding, "a whole number")
    try reader.read(.midBlockScaleFactor, &midBlockScaleFactor, "a number")
    try reader.read(.dropout, &dropout, "a number")
    try reader.readActivation(.actFn, &actFn)
    try reader.read(.normNumGroups, &normNumGroups, "a whole number")
    try reader.read(.normEps, &normEps, "a number")
    try reader.read(.crossAttentionDim, &crossAttentionDim, "a whole number or a list of them")
    try reader.read(
      .transformerLayersPerBlock, &transformerLayersPerBlock, "a whole number or a list of them")
    try reader.readOptional(
      .reverseTransformerLayersPerBlock, &reverseTransformerLayersPerBlock, "a list of whole numbers or null")
    try reader.readOptional(.encoderHidDim, &encoderHidDim, "a whole number or null")
    try reader.readOptional(
      .encoderHidDimType, &encoderHidDimType, "null or " + reader.list(EncoderHidDimType.self))
    try reader.read(.attentionHeadDim, &attentionHeadDim, "a whole number or a list of them")
    try reader.read(.useLinearProjection, &useLinearProjection, "true or false")
    try reader.readOptional(.classEmbedType, &classEmbedType, "null or " + reader.list(ClassEmbedType.self))
    try reader.readOptional(
      .additionEmbedType, &additionEmbedType, "null or " + reader.list(AdditionEmbedType.self))
    try reader.readOptional(.additionTimeEmbedDim, &additionTimeEmbedDim, "a whole number or null")
    try reader.readOptional(.numClassEmbeds, &numClassEmbeds, "a whole number or null")
    try reader.read(.upcastAttention, &upcastAttention, "true or false")
    try reader.read(.resnetTimeScaleShift, &resnetTimeScaleShift)
    try reader.readOptional(.timeEmbeddingDim, &timeEmbeddingDim, "a whole number or null")
    try reader.readOptional(.timeCondProjDim, &timeCondProjDim, "a whole number or null")
    try reader.read(.convInKernel, &convInKernel, "a whole number")
    try reader.read(.convOutKernel, &convOutKernel, "a whole number")
    try reader.readOptional(
      .projectionClassEmbeddingsInputDim, &projectionClassEmbeddingsInputDim, "a whole number or null")
  }

  /// Writes every key, as diffusers does.
  public func encode(to encoder: any Encoder) throws {
    try encodeOrigin(to: encoder)
    try encodeInert(Self.otherKinds, to: encoder)
    var values = encoder.container(keyedBy: Key.self)
    try values.encodeSize(sampleSize, forKey: .sampleSize)
    try values.encode(inChannels, forKey: .inChannels)
    try values.encode(outChannels, forKey: .outChannels)
    try values.encode(centerInputSample, forKey: .centerInputSample)
    try values.encode(flipSinToCos, forKey: .flipSinToCos)
    try values.encode(freqShift, forKey: .freqShift)
    try values.encode(downBlockTypes, forKey: .downBlockTypes)
    try values.encode(midBlockType, forKey: .midBlockType)
    try values.encode(upBlockTypes, forKey: .upBlockTypes)
    try values.encode(onlyCrossAttention, forKey: .onlyCrossAttention)
    try values.encode(blockOutChannels, forKey: .blockOutChannels)
    try values.encode(layersPerBlock, forKey: .layersPerBlock)
    try values.encode(downsamplePadding, forKey: .downsamplePadding)
    try values.encode(midBlockScaleFactor, forKey: .midBlockScaleFactor)
    try values.encode(dropout, forKey: .dropout)
    try values.encode(actFn, forKey: .actFn)
    try values.encode(normNumGroups, forKey: .normNumGroups)
    try values.encode(normEps, forKey: .normEps)
    try values.encode(crossAttentionDim, forKey: .crossAttentionDim)
    try values.encode(transformerLayersPerBlock, forKey: .transformerLayersPerBlock)
    try values.encode(reverseTransformerLayersPerBlock, forKey: .reverseTransformerLayersPerBlock)
    try values.encode(encoderHidDim, forKey: .encoderHidDim)
    try values.encode(encoderHidDimType, forKey: .encoderHidDimType)
    try values.encode(attentionHeadDim, forKey: .attentionHeadDim)
    try values.encode(useLinearProjection, forKey: .useLinearProjection)
    try values.encode(classEmbedType, forKey: .classEmbedType)
    try values.encode(additionEmbedType, forKey: .additionEmbedType)
    try values.encode(additionTimeEmbedDim, forKey: .additionTimeEmbedDim)
    try values.encode(numClassEmbeds, forKey: .numClassEmbeds)
    try values.encode(upcastAttention, forKey: .upcastAttention)
    try values.encode(resnetTimeScaleShift, forKey: .resnetTimeScaleShift)
    try values.encode(timeEmbeddingDim, forKey: .timeEmbeddingDim)
    try values.encode(timeCondProjDim, forKey: .timeCondProjDim)
    try values.encode(convInKernel, forKey: .convInKernel)
    try values.encode(convOutKernel, forKey: .convOutKernel)
    try values.encode(projectionClassEmbeddingsInputDim, forKey: .projectionClassEmbeddingsInputDim)
  }
}
