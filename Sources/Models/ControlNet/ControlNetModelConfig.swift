import Files
import NN

/// The configuration of a `ControlNetModel`: diffusers' keys and defaults, most of which are its base's.
public struct ControlNetModelConfig: Sendable, Equatable {
  /// Which channel of the picture comes first.
  public enum ChannelOrder: String, Codable, Sendable, CaseIterable { case rgb, bgr }

  /// The part of the base that is copied; what else a base has is as diffusers' defaults have it.
  public var base = UNet2DConditionConfig()
  /// Channels of the picture that steers.
  public var conditioningChannels = 3
  /// Which channel of the picture comes first.
  public var channelOrder = ChannelOrder.rgb
  /// Channels of the picture's embedding, from the full resolution down; each after the first halves the size.
  public var conditioningEmbeddingOutChannels = [16, 32, 96, 256]

  /// diffusers' defaults.
  public init() {}
}

extension ControlNetModelConfig: ControlNetConfig, FieldedConfig {
  /// `ControlNetModel`.
  public static let className = "ControlNetModel"

  /// diffusers' keys.
  public static let fields: [ConfigField<Self>] =
    UNet2DConditionConfig.fields.map { $0.lifted(to: \.base) } + [
      .value("conditioning_channels", \.conditioningChannels),
      .name("controlnet_conditioning_channel_order", \.channelOrder),
      .value("conditioning_embedding_out_channels", \.conditioningEmbeddingOutChannels),
    ]

  /// What a U-Net is told that a ControlNet is not.
  public static let unwritten = Set(UNet2DConditionConfig.inert.keys)
    .subtracting(["num_attention_heads", "addition_embed_type_num_heads"])
    .union([
      "sample_size", "out_channels", "center_input_sample", "up_block_types", "dropout",
      "reverse_transformer_layers_per_block", "time_embedding_dim", "time_cond_proj_dim", "conv_in_kernel",
      "conv_out_kernel",
    ])

  /// What ControlNets and U-Nets of other kinds ask for.
  public static let inert = UNet2DConditionConfig.inert.merging(["global_pool_conditions": .bool(false)]) {
    $1
  }

  /// The way back up is the base's own: as diffusers' defaults have it for these blocks.
  public mutating func completeReading() {
    base.upBlockTypes = base.downBlockTypes.reversed().map { $0 == .plain ? .plain : .crossAttention }
  }

  /// - Throws: `ConfigError`, which names the key or the layer.
  public func validate() throws(ConfigError) {
    try base.validateValues()
    try requireConditioning(conditioningChannels, conditioningEmbeddingOutChannels)
    try validateLayers { _ = ControlNetModel(valid: self, $0) }
  }

  /// How many times smaller than the picture the base's input is.
  public var conditioningDownsampling: Int { 1 << (conditioningEmbeddingOutChannels.count - 1) }

  /// nil for a base that is no `UNet2DCondition`.
  public init?(for base: any ModelConfig, channels: Int, downsampling: Int) {
    guard let base = base as? UNet2DConditionConfig else { return nil }
    self.init()
    self.base = Self.copied(base)
    conditioningChannels = channels
    conditioningEmbeddingOutChannels = ControlEmbedding.channels(downsampling: downsampling)
  }

  /// What one input of this size costs: that of its copy.
  public func cost(height: Int, width: Int) -> ForwardCost? {
    base.contractingCost(height: height, width: width)
  }

  /// - Throws: `ConfigError`, which names what differs.
  public func validate(for base: any ModelConfig) throws(ConfigError) {
    guard let base = base as? UNet2DConditionConfig else {
      throw ConfigError("is for a \(UNet2DConditionConfig.className), and the model is of another class")
    }
    let copy = Self.copied(base)
    for (key, fits) in [
      // What an inpainting network is shown beside the latents is not for the copy.
      ("in_channels", [base.inChannels, base.denoisedChannels].contains(self.base.inChannels)),
      ("block_out_channels", copy.blockOutChannels == self.base.blockOutChannels),
      ("layers_per_block", copy.layersPerBlock == self.base.layersPerBlock),
      ("cross_attention_dim", copy.crossAttentionDim[0] == self.base.crossAttentionDim[0]),
      ("down_block_types", copy.downBlockTypes == self.base.downBlockTypes),
    ] {
      guard fits else {
        throw ConfigError("is for another base: the \(key) of the model are not the same")
      }
    }
  }

  /// Builds the network.
  public func build(_ store: ParameterStore) throws -> any ControlNet { try ControlNetModel(self, store) }

  /// A base's configuration with what is not copied as diffusers' defaults have it.
  private static func copied(_ base: UNet2DConditionConfig) -> UNet2DConditionConfig {
    let defaults = UNet2DConditionConfig()
    var copy = base
    (copy.sampleSize, copy.outChannels) = (defaults.sampleSize, defaults.outChannels)
    (copy.centerInputSample, copy.dropout) = (defaults.centerInputSample, defaults.dropout)
    (copy.timeEmbeddingDim, copy.timeCondProjDim) = (defaults.timeEmbeddingDim, defaults.timeCondProjDim)
    (copy.convInKernel, copy.convOutKernel) = (defaults.convInKernel, defaults.convOutKernel)
    copy.reverseTransformerLayersPerBlock = nil
    copy.upBlockTypes = base.downBlockTypes.reversed().map { $0 == .plain ? .plain : .crossAttention }
    return copy
  }
}

/// What every ControlNet asks of the embedding of its picture.
///
/// - Throws: `ConfigError`, which names the key.
func requireConditioning(_ channels: Int, _ embedding: [Int]) throws(ConfigError) {
  try require((1...1024).contains(channels), "has conditioning_channels \(channels); 1 to 1024 are possible")
  try require(
    (1...12).contains(embedding.count) && embedding.allSatisfy { (1...16_384).contains($0) },
    "has conditioning_embedding_out_channels \(embedding); 1 to 12 numbers of 1 to 16384 are possible")
}
