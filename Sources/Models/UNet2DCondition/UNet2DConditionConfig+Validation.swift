extension UNet2DConditionConfig {
  /// Whether a network can be built from these values and run; cheap, and before any weights are looked for.
  ///
  /// - Throws: `ConfigError`, which names the key or the layer.
  public func validate() throws(ConfigError) {
    try validateValues()
    try validateLayers { _ = UNet2DCondition(valid: self, $0) }
  }

  /// What can be said without building anything.
  func validateValues() throws(ConfigError) {
    try validateLists()
    try validateNumbers()
    try validateConditions()
  }

  private func validateLists() throws(ConfigError) {
    try requireBlocks(
      down: downBlockTypes.count, up: upBlockTypes.count, channels: blockOutChannels,
      others: [inChannels, outChannels], layers: 1)
    let blocks = blockOutChannels.count
    for (key, serves) in [
      ("only_cross_attention", onlyCrossAttention.serves(blocks)),
      ("layers_per_block", layersPerBlock.serves(blocks)),
      ("cross_attention_dim", crossAttentionDim.serves(blocks)),
      ("transformer_layers_per_block", transformerLayersPerBlock.serves(blocks)),
      ("reverse_transformer_layers_per_block", (reverseTransformerLayersPerBlock?.count ?? blocks) == blocks),
      ("attention_head_dim", attentionHeadDim.serves(blocks)),
    ] { try require(serves, "has another number of \(key) than of block_out_channels, which are \(blocks)") }
    try require(
      layersPerBlock.values.allSatisfy { (1...64).contains($0) },
      "has layers_per_block outside 1 to 64")
    try validateTransformerLayers()
  }

  private func validateTransformerLayers() throws(ConfigError) {
    let blocks = blockOutChannels.indices
    let nested = transformerLayersPerBlock.values.contains { if case .each = $0 { true } else { false } }
    try require(
      !nested || reverseTransformerLayersPerBlock != nil,
      "has lists in transformer_layers_per_block without reverse_transformer_layers_per_block")
    for i in blocks {
      let down = transformerLayersPerBlock[i]
      let up = transformerLayers(upBlock: i)
      let layers = (down: layersPerBlock[i], up: layersPerBlock.reversed()[i] + 1)
      try require(
        down.serves(layers.down) || downBlockTypes[i] == .plain,
        "has \(down.values.count) transformer_layers_per_block for the \(layers.down) layers of down block \(i)"
      )
      try require(
        up.serves(layers.up) || upBlockTypes[i] == .plain,
        "has \(up.values.count) transformer_layers_per_block for the \(layers.up) layers of up block \(i)")
      try require(
        (down.values + up.values).allSatisfy { (0...1024).contains($0) },
        "has transformer_layers_per_block outside 0 to 1024")
    }
  }

  private func validateNumbers() throws(ConfigError) {
    try require((0..<1).contains(dropout), "has dropout \(dropout); it must be at least 0 and below 1")
    try require(
      [0, 1].contains(downsamplePadding), "has downsample_padding \(downsamplePadding); 0 or 1 are possible")
    try require(midBlockScaleFactor != 0, "has mid_block_scale_factor 0")
    try require(normEps >= 0, "has norm_eps \(normEps); it must not be negative")
    for (key, kernel) in [("conv_in_kernel", convInKernel), ("conv_out_kernel", convOutKernel)] {
      try require(
        [1, 3, 5, 7].contains(kernel), "has \(key) \(kernel); 1, 3, 5 and 7 are possible")
    }
    try require(
      crossAttentionDim.values.allSatisfy { (1...65_536).contains($0) },
      "has cross_attention_dim outside 1 to 65536")
    for (key, size) in [
      ("encoder_hid_dim", encoderHidDim), ("addition_time_embed_dim", additionTimeEmbedDim),
      ("num_class_embeds", numClassEmbeds), ("time_embedding_dim", timeEmbeddingDim),
      ("time_cond_proj_dim", timeCondProjDim),
      ("projection_class_embeddings_input_dim", projectionClassEmbeddingsInputDim),
    ] {
      guard let size else { continue }
      try require((1...1_000_000).contains(size), "has \(key) \(size); 1 to 1000000 are possible")
    }
  }

  /// What one key asks for and another must say more about.
  private func validateConditions() throws(ConfigError) {
    try require(
      encoderHidDimType == nil || encoderHidDim != nil, "has an encoder_hid_dim_type without encoder_hid_dim")
    if encoderHidDim != nil, case .each = crossAttentionDim {
      throw ConfigError("has an encoder_hid_dim, which needs one cross_attention_dim for all blocks")
    }
    let projects = classEmbedType == .projection || classEmbedType == .simpleProjection
    try require(
      !projects || projectionClassEmbeddingsInputDim != nil,
      "has class_embed_type '\(classEmbedType?.rawValue ?? "")' without projection_class_embeddings_input_dim"
    )
    try require(
      additionEmbedType == nil || (additionTimeEmbedDim != nil && projectionClassEmbeddingsInputDim != nil),
      "has addition_embed_type 'text_time' without addition_time_embed_dim or "
        + "projection_class_embeddings_input_dim")
  }
}
