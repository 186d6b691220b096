extension UNet2DConfig {
  /// Whether a network can be built from these values and run; cheap, and before any weights are looked for.
  ///
  /// - Throws: `ConfigError`, which names the key or the layer.
  public func validate() throws(ConfigError) {
    try validateValues()
    try validatePictureBranches()
    try validateLayers { _ = UNet2D(valid: self, $0) }
  }

  private func validateValues() throws(ConfigError) {
    try requireBlocks(
      down: downBlockTypes.count, up: upBlockTypes.count, channels: blockOutChannels,
      others: [inChannels, outChannels], layers: layersPerBlock)
    try require((0..<1).contains(dropout), "has dropout \(dropout); it must be at least 0 and below 1")
    try require(
      [0, 1].contains(downsamplePadding), "has downsample_padding \(downsamplePadding); 0 or 1 are possible")
    try require(midBlockScaleFactor != 0, "has mid_block_scale_factor 0")
    try require(normEps >= 0, "has norm_eps \(normEps); it must not be negative")
    try requireSize(timeEmbeddingDim, "time_embedding_dim")
    try requireSize(numClassEmbeds, "num_class_embeds")
    try requireSize(numTrainTimesteps, "num_train_timesteps")
    try require(
      timeEmbeddingType != .learned || numTrainTimesteps != nil,
      "has time_embedding_type 'learned' without num_train_timesteps")
  }

  /// Skip blocks pass a picture from one to the next and halve or double it as they do the features. A block of
  /// another kind on its way leaves the picture at another size than the features that it is to be added to.
  private func validatePictureBranches() throws(ConfigError) {
    // The lowest down block and the topmost up block resample nothing, so only those before them matter.
    if let lowest = downBlockTypes.dropLast().lastIndex(where: \.isSkip) {
      try require(
        downBlockTypes[..<lowest].allSatisfy(\.isSkip),
        "has \(downBlockTypes[lowest].rawValue) below a down block that is no Skip block")
    }
    if let first = upBlockTypes.dropLast().firstIndex(where: \.isSkip) {
      try require(
        upBlockTypes[first...].allSatisfy(\.isSkip),
        "has \(upBlockTypes[first].rawValue) before an up block that is no Skip block")
    }
  }

  private func requireSize(_ value: Int?, _ key: String) throws(ConfigError) {
    guard let value else { return }
    try require((1...1_000_000).contains(value), "has \(key) \(value); 1 to 1000000 are possible")
  }
}
