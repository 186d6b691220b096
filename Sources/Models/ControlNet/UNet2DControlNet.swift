import Files
import NN
import TensorCore

/// A ControlNet for a `UNet2D`: the same network around the copy as diffusers' `ControlNetModel` has, which is for text alone.
public struct UNet2DControlNet: ControlNet {
  /// What it was built from.
  public let config: UNet2DControlNetConfig
  /// Its tensors by key.
  public let parameters: ParameterStore

  private let embedding: UNet2DEmbedding
  private let image: ControlEmbedding
  private let contracting: ContractingPath
  private let zeros: ZeroConvolutions

  /// Builds the network on `store`.
  ///
  /// - Throws: `ConfigError` for an impossible configuration; `CheckpointError` or `SafetensorsError` where
  ///   the store's checkpoint does not fit it.
  public init(_ config: UNet2DControlNetConfig, _ store: ParameterStore) throws {
    try config.validate()
    self.config = config
    parameters = store
    let (p, base) = (store.root, config.base)
    let channels = base.blockOutChannels
    let convIn = Conv2D(p["conv_in"], inputs: base.inChannels, outputs: channels[0], kernel: 3)
    embedding = UNet2DEmbedding(p, base)
    image = ControlEmbedding(
      p["controlnet_cond_embedding"], inputs: config.conditioningChannels,
      channels: config.conditioningEmbeddingOutChannels, outputs: channels[0])
    contracting = ContractingPath(p, base, convIn: convIn)
    zeros = ZeroConvolutions(
      p,
      channels: ZeroConvolutions.channels(channels, layers: channels.map { _ in base.layersPerBlock }),
      middle: channels[channels.count - 1])
    try store.finish()
  }

  /// What it adds to its base, as `ControlNet` describes it.
  public func residuals(
    _ x: Tensor, timesteps: [Float], condition: Condition, image hint: Tensor, dropout: NoiseKey?
  ) -> ControlResiduals {
    let base = config.base
    let time = embedding(timesteps, condition.classLabels)
    let context = BlockContext(activatedTime: time.activated(base.actFn), dropout: dropout)
    let x = condition.joined(to: x)
    return zeros(contracting(base.centerInputSample ? 2 * x + -1 : x, context, hint: image(hint)))
  }
}

/// The configuration of a `UNet2DControlNet`.
public struct UNet2DControlNetConfig: Sendable, Equatable {
  /// The network that it steers, of whose contracting path it has a copy.
  public var base: UNet2DConfig
  /// Channels of the picture that steers.
  public var conditioningChannels: Int
  /// Channels of the picture's embedding, from the full resolution down; each after the first halves the size.
  public var conditioningEmbeddingOutChannels: [Int]
}

extension UNet2DControlNetConfig: ControlNetConfig {
  /// This program's own, since diffusers has none.
  public static let className = "UNet2DControlNet"

  enum CodingKeys: String, CodingKey, CaseIterable {
    case className = "_class_name"
    case diffusersVersion = "_diffusers_version"
    case base
    case conditioningChannels = "conditioning_channels"
    case conditioningEmbeddingOutChannels = "conditioning_embedding_out_channels"
  }

  /// - Throws: `ConfigError` or `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    base = try values.decode(UNet2DConfig.self, forKey: .base)
    conditioningChannels = try values.decode(Int.self, forKey: .conditioningChannels)
    conditioningEmbeddingOutChannels = try values.decode(
      [Int].self, forKey: .conditioningEmbeddingOutChannels)
  }

  /// Writes every key.
  public func encode(to encoder: any Encoder) throws {
    try encodeOrigin(to: encoder)
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(base, forKey: .base)
    try values.encode(conditioningChannels, forKey: .conditioningChannels)
    try values.encode(conditioningEmbeddingOutChannels, forKey: .conditioningEmbeddingOutChannels)
  }

  /// - Throws: `ConfigError`, which names the key or the layer.
  public func validate() throws(ConfigError) {
    try base.validate()
    try requireConditioning(conditioningChannels, conditioningEmbeddingOutChannels)
    try require(
      base.midBlockType != nil && base.downBlockTypes.allSatisfy { !$0.isSkip },
      "is for a base with Skip blocks or without a mid block, which no ControlNet can steer")
  }

  /// How many times smaller than the picture the base's input is.
  public var conditioningDownsampling: Int { 1 << (conditioningEmbeddingOutChannels.count - 1) }

  /// nil for a base that is no `UNet2D`.
  public init?(for base: any ModelConfig, channels: Int, downsampling: Int) {
    guard let base = base as? UNet2DConfig else { return nil }
    self.init(
      base: base, conditioningChannels: channels,
      conditioningEmbeddingOutChannels: ControlEmbedding.channels(downsampling: downsampling))
  }

  /// What one input of this size costs: that of its copy.
  public func cost(height: Int, width: Int) -> ForwardCost? {
    base.contractingCost(height: height, width: width)
  }

  /// - Throws: `ConfigError` unless the model is the base that it was trained for.
  public func validate(for base: any ModelConfig) throws(ConfigError) {
    guard base as? UNet2DConfig == self.base else {
      throw ConfigError("is for another base than the model: their configurations differ")
    }
  }

  /// Builds the network.
  public func build(_ store: ParameterStore) throws -> any ControlNet { try UNet2DControlNet(self, store) }
}
