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
    try self.init(from: decoder, of: Self.self, besides: [])
  }

  /// Reads the values out of a configuration that holds others too.
  ///
  /// - Parameters:
  ///   - config: whose configuration it is.
  ///   - others: the keys of the others.
  /// - Throws: `ConfigError`, which names the key.
  init<Config: ModelConfig>(from decoder: any Decoder, of config: Config.Type, besides others: Set<String>)
    throws
  {
    let reader = try ConfigReader<Key>(decoder, of: config, inert: Self.otherKinds, besides: others)
    self.init()
    try reader.readSize(.sampleSize, &sampleSize)
    try reader.read(.inChannels, &inChannels, "a whole number")
    try reader.read(.outChannels, &outChannels, "a whole number")
    try reader.read(.centerInputSample, &centerInputSample, "true or false")
    try reader.read(.flipSinToCos, &flipSinToCos, "true or false")
    try reader.read(.freqShift, &freqShift, "a number")
    try reader.read(.downBlockTypes, &downBlockTypes)
    try reader.readOptional(.midBlockType, &midBlockType, "null or " + reader.list(MidBlockType.self))
    try reader.read(.upBlockTypes, &upBlockTypes)
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
    try encodeValues(to: encoder, except: [])
  }

  /// Writes the values of all keys but some.
  func encodeValues(to encoder: any Encoder, except absent: Set<Key>) throws {
    var values = encoder.container(keyedBy: Key.self)
    func write(_ value: some Encodable, _ key: Key) throws {
      if !absent.contains(key) { try values.encode(value, forKey: key) }
    }
    if !absent.contains(.sampleSize) { try values.encodeSize(sampleSize, forKey: .sampleSize) }
    try write(inChannels, .inChannels)
    try write(outChannels, .outChannels)
    try write(centerInputSample, .centerInputSample)
    try write(flipSinToCos, .flipSinToCos)
    try write(freqShift, .freqShift)
    try write(downBlockTypes, .downBlockTypes)
    try write(midBlockType, .midBlockType)
    try write(upBlockTypes, .upBlockTypes)
    try write(onlyCrossAttention, .onlyCrossAttention)
    try write(blockOutChannels, .blockOutChannels)
    try write(layersPerBlock, .layersPerBlock)
    try write(downsamplePadding, .downsamplePadding)
    try write(midBlockScaleFactor, .midBlockScaleFactor)
    try write(dropout, .dropout)
    try write(actFn, .actFn)
    try write(normNumGroups, .normNumGroups)
    try write(normEps, .normEps)
    try write(crossAttentionDim, .crossAttentionDim)
    try write(transformerLayersPerBlock, .transformerLayersPerBlock)
    try write(reverseTransformerLayersPerBlock, .reverseTransformerLayersPerBlock)
    try write(encoderHidDim, .encoderHidDim)
    try write(encoderHidDimType, .encoderHidDimType)
    try write(attentionHeadDim, .attentionHeadDim)
    try write(useLinearProjection, .useLinearProjection)
    try write(classEmbedType, .classEmbedType)
    try write(additionEmbedType, .additionEmbedType)
    try write(additionTimeEmbedDim, .additionTimeEmbedDim)
    try write(numClassEmbeds, .numClassEmbeds)
    try write(upcastAttention, .upcastAttention)
    try write(resnetTimeScaleShift, .resnetTimeScaleShift)
    try write(timeEmbeddingDim, .timeEmbeddingDim)
    try write(timeCondProjDim, .timeCondProjDim)
    try write(convInKernel, .convInKernel)
    try write(convOutKernel, .convOutKernel)
    try write(projectionClassEmbeddingsInputDim, .projectionClassEmbeddingsInputDim)
  }
}
