import NN
import TensorCore

/// The U-Net of denoising diffusion (Ho et al. 2020; Dhariwal & Nichol 2021; Song et al. 2021), with the
/// whole parametrisation and the keys of diffusers' `UNet2DModel`.
public struct UNet2D {
  /// What it was built from.
  public let config: UNet2DConfig
  /// Its tensors by key.
  public let parameters: ParameterStore

  private let embedding: UNet2DEmbedding
  private let contracting: ContractingPath
  private let expanding: ExpandingPath

  /// Builds the network on `store`.
  ///
  /// - Throws: `ConfigError` for an impossible configuration; `CheckpointError` or `SafetensorsError` where
  ///   the store's checkpoint does not fit it.
  public init(_ config: UNet2DConfig, _ store: ParameterStore) throws {
    try config.validate()
    self.init(valid: config, store)
    try store.finish()
  }

  /// Builds the network, whose configuration's own values were checked; `store` notes what else is wrong.
  init(valid config: UNet2DConfig, _ store: ParameterStore) {
    self.config = config
    parameters = store
    let p = store.root
    let convIn = Conv2D(
      p["conv_in"], inputs: config.inChannels, outputs: config.blockOutChannels[0], kernel: 3)
    embedding = UNet2DEmbedding(p, config)
    contracting = ContractingPath(p, config, convIn: convIn)
    expanding = ExpandingPath(p, config)
  }

  /// What the network predicts, [N, out_channels, H, W], for a noisy batch.
  ///
  /// - Parameters:
  ///   - x: `[N, in_channels, H, W]`; H and W multiples of `config.sizeMultiple`.
  ///   - timesteps: N of them.
  ///   - labels: the class of each picture, where the network is class-conditional.
  ///   - control: what a ControlNet adds: a residual a skip connection, and one for the mid block.
  ///   - dropout: the key of this step's drop-out; nil outside training.
  public func callAsFunction(
    _ x: Tensor, timesteps: [Float], labels: ClassLabels? = nil, control: ControlResiduals? = nil,
    dropout: NoiseKey? = nil
  ) -> Tensor {
    let context = BlockContext(
      activatedTime: embedding(timesteps, labels).activated(config.actFn), dropout: dropout)
    var path = contracting(config.centerInputSample ? 2 * x + -1 : x, context)
    if let control { path = path.adding(control) }
    let sample = expanding(consume path, context)
    guard config.timeEmbeddingType == .fourier else { return sample }
    return .combination(perSample: timesteps.map { 1 / $0 }, sample, timesteps.map { _ in 0 }, sample)
  }
}
