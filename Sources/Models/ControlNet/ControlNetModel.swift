import NN
import TensorCore

/// A ControlNet for a `UNet2DCondition`, with the keys of diffusers' `ControlNetModel`.
public struct ControlNetModel: ControlNet {
  /// What it was built from.
  public let config: ControlNetModelConfig
  /// Its tensors by key.
  public let parameters: ParameterStore

  private let embedding: ConditionEmbedding
  private let image: ControlEmbedding
  private let contracting: ContractingPath
  private let zeros: ZeroConvolutions

  /// Builds the network on `store`.
  ///
  /// - Throws: `ConfigError` for an impossible configuration; `CheckpointError` or `SafetensorsError` where
  ///   the store's checkpoint does not fit it.
  public init(_ config: ControlNetModelConfig, _ store: ParameterStore) throws {
    try config.validate()
    self.init(valid: config, store)
    try store.finish()
  }

  init(valid config: ControlNetModelConfig, _ store: ParameterStore) {
    self.config = config
    parameters = store
    let (p, base) = (store.root, config.base)
    let channels = base.blockOutChannels
    let convIn = Conv2D(p["conv_in"], inputs: base.inChannels, outputs: channels[0], kernel: 3)
    embedding = ConditionEmbedding(p, base)
    image = ControlEmbedding(
      p["controlnet_cond_embedding"], inputs: config.conditioningChannels,
      channels: config.conditioningEmbeddingOutChannels, outputs: channels[0])
    contracting = ContractingPath(p, base, convIn: convIn)
    zeros = ZeroConvolutions(
      p,
      channels: ZeroConvolutions.channels(channels, layers: channels.indices.map { base.layersPerBlock[$0] }),
      middle: channels[channels.count - 1])
  }

  /// What it adds to its base, as `ControlNet` describes it.
  public func residuals(
    _ x: Tensor, timesteps: [Float], condition: Condition, image hint: Tensor, dropout: NoiseKey?
  ) -> ControlResiduals {
    let vector = embedding(
      timesteps, labels: condition.classLabels, guidance: nil,
      pooledText: condition.pooledText, sizes: condition.sizes)
    // As diffusers, which neither maps nor masks the text here.
    let text = condition.text.map { TextStates($0.states) }
    let context = BlockContext(
      activatedTime: vector.activated(config.base.actFn), text: text, dropout: dropout)
    let ordered =
      config.channelOrder == .rgb
      ? hint
      : .concatenatedChannels(hint.splitChannels(Array(repeating: 1, count: hint.shape[1])).reversed())
    let input = config.base.inChannels == x.shape[1] ? x : condition.joined(to: x)
    return zeros(contracting(input, context, hint: image(ordered)))
  }
}
