import Files

extension UNet2DConfig: FieldedConfig {
  /// `UNet2DModel`.
  public static let className = "UNet2DModel"

  /// diffusers' keys.
  public static let fields: [ConfigField<Self>] = [
    .size("sample_size", \.sampleSize),
    .value("in_channels", \.inChannels),
    .value("out_channels", \.outChannels),
    .value("center_input_sample", \.centerInputSample),
    .name("time_embedding_type", \.timeEmbeddingType),
    .value("time_embedding_dim", \.timeEmbeddingDim),
    .value("freq_shift", \.freqShift),
    .value("flip_sin_to_cos", \.flipSinToCos),
    .names("down_block_types", \.downBlockTypes),
    .name("mid_block_type", \.midBlockType),
    .names("up_block_types", \.upBlockTypes),
    .value("block_out_channels", \.blockOutChannels),
    .value("layers_per_block", \.layersPerBlock),
    .value("mid_block_scale_factor", \.midBlockScaleFactor),
    .value("downsample_padding", \.downsamplePadding),
    .name("downsample_type", \.downsampleType),
    .name("upsample_type", \.upsampleType),
    .value("dropout", \.dropout),
    .activation("act_fn", \.actFn),
    .value("attention_head_dim", \.attentionHeadDim),
    .value("norm_num_groups", \.normNumGroups),
    .value("attn_norm_num_groups", \.attnNormNumGroups),
    .value("norm_eps", \.normEps),
    .name("resnet_time_scale_shift", \.resnetTimeScaleShift),
    .value("add_attention", \.addAttention),
    .name("class_embed_type", \.classEmbedType),
    .value("num_class_embeds", \.numClassEmbeds),
    .value("num_train_timesteps", \.numTrainTimesteps),
  ]
}
