import Files

extension UNet2DConditionConfig: FieldedConfig {
  /// `UNet2DConditionModel`.
  public static let className = "UNet2DConditionModel"

  /// diffusers' keys.
  public static let fields: [ConfigField<Self>] = [
    .size("sample_size", \.sampleSize),
    .value("in_channels", \.inChannels),
    .value("out_channels", \.outChannels),
    .value("center_input_sample", \.centerInputSample),
    .value("flip_sin_to_cos", \.flipSinToCos),
    .value("freq_shift", \.freqShift),
    .names("down_block_types", \.downBlockTypes),
    .name("mid_block_type", \.midBlockType),
    .names("up_block_types", \.upBlockTypes),
    .value("only_cross_attention", \.onlyCrossAttention),
    .value("block_out_channels", \.blockOutChannels),
    .value("layers_per_block", \.layersPerBlock),
    .value("downsample_padding", \.downsamplePadding),
    .value("mid_block_scale_factor", \.midBlockScaleFactor),
    .value("dropout", \.dropout),
    .activation("act_fn", \.actFn),
    .value("norm_num_groups", \.normNumGroups),
    .value("norm_eps", \.normEps),
    .value("cross_attention_dim", \.crossAttentionDim),
    .value("transformer_layers_per_block", \.transformerLayersPerBlock, PerBlock<Int>.form),
    .value(
      "reverse_transformer_layers_per_block", \.reverseTransformerLayersPerBlock,
      "a list of whole numbers or null"),
    .value("encoder_hid_dim", \.encoderHidDim),
    .name("encoder_hid_dim_type", \.encoderHidDimType),
    .value("attention_head_dim", \.attentionHeadDim),
    .value("use_linear_projection", \.useLinearProjection),
    .name("class_embed_type", \.classEmbedType),
    .name("addition_embed_type", \.additionEmbedType),
    .value("addition_time_embed_dim", \.additionTimeEmbedDim),
    .value("num_class_embeds", \.numClassEmbeds),
    .value("upcast_attention", \.upcastAttention),
    .name("resnet_time_scale_shift", \.resnetTimeScaleShift),
    .value("time_embedding_dim", \.timeEmbeddingDim),
    .value("time_cond_proj_dim", \.timeCondProjDim),
    .value("conv_in_kernel", \.convInKernel),
    .value("conv_out_kernel", \.convOutKernel),
    .value("projection_class_embeddings_input_dim", \.projectionClassEmbeddingsInputDim),
  ]

  /// What networks of other kinds ask for by the same class, with the values that ask for nothing.
  public static let inert: [String: ConfigValue] = [
    "num_attention_heads": .null, "dual_cross_attention": .bool(false), "resnet_skip_time_act": .bool(false),
    "resnet_out_scale_factor": .number(1), "time_embedding_type": .text("positional"),
    "time_embedding_act_fn": .null, "timestep_post_act": .null, "attention_type": .text("default"),
    "class_embeddings_concat": .bool(false), "mid_block_only_cross_attention": .null,
    "cross_attention_norm": .null, "addition_embed_type_num_heads": .number(64),
  ]
}
