import Files
import NN
import TensorCore

/// A ControlNet for a `DiT`: copies of its first blocks, each followed by a linear map of zeros whose result is added behind
/// the base's own block (Chen et al. 2024, "PixArt-δ", ControlNet-Transformer).
public struct DiTControlNet: ControlNet {
  /// What it was built from.
  public let config: DiTControlNetConfig
  /// Its tensors by key.
  public let parameters: ParameterStore

  private let image: ControlEmbedding
  private let patches: PatchEmbedding
  private let blocks: [DiTBlock]
  private let zeros: [Linear]

  /// Builds the network on `store`.
  ///
  /// - Throws: `ConfigError` for an impossible configuration; `CheckpointError` or `SafetensorsError` where
  ///   the store's checkpoint does not fit it.
  public init(_ config: DiTControlNetConfig, _ store: ParameterStore) throws {
    try config.validate()
    self.config = config
    parameters = store
    let (p, base) = (store.root, config.base)
    image = ControlEmbedding(
      p["controlnet_cond_embedding"], inputs: config.conditioningChannels,
      channels: config.conditioningEmbeddingOutChannels, outputs: base.width, patch: base.patchSize)
    patches = PatchEmbedding(p["pos_embed"], base)
    blocks = (0..<config.layers).map { DiTBlock(p["transformer_blocks"][$0], base) }
    zeros = (0..<config.layers).map {
      Linear(p["controlnet_blocks"][$0], inputs: base.width, outputs: base.width, fresh: .zero)
    }
    try store.finish()
  }

  /// What it adds to its base, as `ControlNet` describes it.
  public func residuals(
    _ x: Tensor, timesteps: [Float], condition: Condition, image hint: Tensor, dropout: NoiseKey?
  ) -> ControlResiduals {
    let time = DiT.timeProjection(timesteps)
    let labels = condition.classLabels ?? .indices(timesteps.map { _ in config.base.numEmbedsAdaNorm })
    var h = patches(condition.joined(to: x)) + image(hint).tokens()
    let residuals = zip(blocks, zeros).map { block, zero in
      h = block(h, block.norm1.embedding(time, labels).activated(.silu), dropout: dropout)
      return zero(h)
    }
    return ControlResiduals(blocks: residuals)
  }
}

/// The configuration of a `DiTControlNet`.
public struct DiTControlNetConfig: Sendable, Equatable {
  /// The network that it steers.
  public var base: DiTConfig
  /// How many of its blocks are copied, the first ones.
  public var layers: Int
  /// Channels of the picture that steers.
  public var conditioningChannels: Int
  /// Channels of the picture's embedding, from the full resolution down; each after the first halves the size.
  public var conditioningEmbeddingOutChannels: [Int]
}

extension DiTControlNetConfig: ControlNetConfig {
  /// This program's own, since diffusers has none.
  public static let className = "DiTControlNet"

  enum CodingKeys: String, CodingKey {
    case base
    case layers = "num_layers"
    case conditioningChannels = "conditioning_channels"
    case conditioningEmbeddingOutChannels = "conditioning_embedding_out_channels"
  }

  /// Writes every key.
  public func encode(to encoder: any Encoder) throws {
    try encodeOrigin(to: encoder)
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(base, forKey: .base)
    try values.encode(layers, forKey: .layers)
    try values.encode(conditioningChannels, forKey: .conditioningChannels)
    try values.encode(conditioningEmbeddingOutChannels, forKey: .conditioningEmbeddingOutChannels)
  }

  /// - Throws: `ConfigError`, which names the key.
  public func validate() throws(ConfigError) {
    try base.validate()
    try require(
      (1...base.numLayers).contains(layers), "has num_layers \(layers); its base has \(base.numLayers)")
    try requireConditioning(conditioningChannels, conditioningEmbeddingOutChannels)
  }

  /// How many times smaller than the picture the base's input is.
  public var conditioningDownsampling: Int { 1 << (conditioningEmbeddingOutChannels.count - 1) }

  /// nil for a base that is no `DiT`. Half of the blocks are copied.
  public init?(for base: any ModelConfig, channels: Int, downsampling: Int) {
    guard let base = base as? DiTConfig else { return nil }
    self.init(
      base: base, layers: (base.numLayers + 1) / 2, conditioningChannels: channels,
      conditioningEmbeddingOutChannels: ControlEmbedding.channels(downsampling: downsampling))
  }

  /// What one input of this size costs: so many of its base's blocks.
  public func cost(height: Int, width: Int) -> ForwardCost? {
    guard let whole = base.cost(height: height, width: width) else { return nil }
    return ForwardCost(
      products: whole.products * Double(layers) / Double(base.numLayers), values: whole.values)
  }

  /// - Throws: `ConfigError` unless the model is the base that it was trained for.
  public func validate(for base: any ModelConfig) throws(ConfigError) {
    guard base as? DiTConfig == self.base else {
      throw ConfigError("is for another base than the model: their configurations differ")
    }
  }

  /// Builds the network.
  public func build(_ store: ParameterStore) throws -> any ControlNet { try DiTControlNet(self, store) }
}
