import NN
import TensorCore

/// The U-Net that reads a text (Rombach et al. 2022, "High-resolution image synthesis with latent diffusion models"; SDXL:
/// Podell et al. 2023), with the keys of diffusers' `UNet2DConditionModel`.
public struct UNet2DCondition {
  /// What it was built from.
  public let config: UNet2DConditionConfig
  /// Its tensors by key.
  public let parameters: ParameterStore

  private let embedding: ConditionEmbedding
  private let contracting: ContractingPath
  private let expanding: ExpandingPath

  /// Builds the network on `store`.
  ///
  /// - Throws: `ConfigError` for an impossible configuration; `CheckpointError` or `SafetensorsError` where
  ///   the store's checkpoint does not fit it.
  public init(_ config: UNet2DConditionConfig, _ store: ParameterStore) throws {
    try config.validate()
    self.init(valid: config, store)
    try store.finish()
  }

  /// Builds the network, whose configuration's own values were checked; `store` notes what else is wrong.
  init(valid config: UNet2DConditionConfig, _ store: ParameterStore) {
    self.config = config
    parameters = store
    let p = store.root
    let convIn = Conv2D(
      p["conv_in"], inputs: config.inChannels, outputs: config.blockOutChannels[0],
      kernel: config.convInKernel)
    embedding = ConditionEmbedding(p, config)
    contracting = ContractingPath(p, config, convIn: convIn)
    expanding = ExpandingPath(p, config)
  }

  /// What the network predicts, [N, out_channels, H, W], for a noisy batch.
  ///
  /// - Parameters:
  ///   - x: `[N, in_channels, H, W]`; H and W multiples of `config.sizeMultiple`.
  ///   - timesteps: N of them.
  ///   - text: states of `[N, T, config.textChannels]`; may be nil where no block attends to a text.
  ///   - labels: the class of each picture, where the network is class-conditional.
  ///   - guidance: `[N, time_cond_proj_dim]`, a guidance scale's embedding; nil for none.
  ///   - pooledText: `[N, D]`, for SDXL.
  ///   - sizes: `[N, 6]`, for SDXL: original height and width, top and left of the crop, target height and width.
  ///   - control: what a ControlNet adds: a residual a skip connection, and one for the mid block.
  ///   - dropout: the key of this step's drop-out; nil outside training.
  public func callAsFunction(
    _ x: Tensor, timesteps: [Float], text: TextStates?, labels: ClassLabels? = nil, guidance: Tensor? = nil,
    pooledText: Tensor? = nil, sizes: Tensor? = nil, control: ControlResiduals? = nil,
    dropout: NoiseKey? = nil
  ) -> Tensor {
    let vector = embedding(
      timesteps, labels: labels, guidance: guidance, pooledText: pooledText, sizes: sizes)
    let context = BlockContext(
      activatedTime: vector.activated(config.actFn), text: text.map { embedding($0) }, dropout: dropout)
    var path = contracting(config.centerInputSample ? 2 * x + -1 : x, context)
    if let control { path = path.adding(control) }
    return expanding(consume path, context)
  }
}

extension UNet2DCondition: Denoiser {
  /// What the network gives, as `Denoiser` describes it.
  public func predict(_ x: Tensor, timesteps: [Float], condition: Condition, dropout: NoiseKey?) -> Tensor {
    self(
      condition.joined(to: x), timesteps: timesteps, text: condition.text,
      labels: condition.classLabels, guidance: condition.guidance.flatMap(embedded),
      pooledText: condition.pooledText, sizes: condition.sizes,
      control: condition.control, dropout: dropout)
  }

  /// Guidance scales, `[N, 1]`, as diffusers' pipelines embed them: a thousand times what exceeds no guidance, as timesteps are.
  private func embedded(_ scales: Tensor) -> Tensor? {
    config.timeCondProjDim.map {
      Timesteps(channels: $0, flipSinToCos: false, frequencyShift: 1)(scales.values.map { 1000 * ($0 - 1) })
    }
  }
}
