import NN
import TensorCore

/// The diffusion transformer with adaLN-Zero (Peebles & Xie 2023, "Scalable diffusion models with transformers"), with
/// the keys of diffusers' `DiTTransformer2DModel`.
public struct DiT {
  /// What it was built from.
  public let config: DiTConfig
  /// Its tensors by key.
  public let parameters: ParameterStore

  private let patches: PatchEmbedding
  private let blocks: [DiTBlock]
  private let normOut: LayerNorm
  private let modulation: Linear
  private let output: Linear
  // diffusers' `CombinedTimestepLabelEmbeddings`, whose sizes no configuration changes.
  static let timeProjection = Timesteps(channels: 256, flipSinToCos: true, frequencyShift: 1)

  /// Builds the network on `store`.
  ///
  /// - Throws: `ConfigError` for an impossible configuration; `CheckpointError` or `SafetensorsError` where
  ///   the store's checkpoint does not fit it.
  public init(_ config: DiTConfig, _ store: ParameterStore) throws {
    try config.validate()
    self.init(valid: config, store)
    try store.finish()
  }

  /// Builds the network, whose configuration's own values were checked; `store` notes what else is wrong.
  init(valid config: DiTConfig, _ store: ParameterStore) {
    self.config = config
    parameters = store
    let p = store.root
    let width = config.width
    patches = PatchEmbedding(p["pos_embed"], config)
    blocks = (0..<config.numLayers).map { DiTBlock(p["transformer_blocks"][$0], config) }
    normOut = LayerNorm(p["norm_out"], size: width, epsilon: 1e-6, affine: false)
    // Zeros in the last modulation and map: a fresh network predicts 0, whatever its blocks do.
    modulation = Linear(p["proj_out_1"], inputs: width, outputs: 2 * width, fresh: .zero)
    output = Linear(
      p["proj_out_2"], inputs: width, outputs: config.patchSize * config.patchSize * config.predictedChannels,
      fresh: .zero)
  }

  /// What the network predicts, [N, predictedChannels, H, W], for a noisy batch.
  ///
  /// - Parameters:
  ///   - x: `[N, in_channels, H, W]`; H and W multiples of `config.patchSize`.
  ///   - timesteps: N of them.
  ///   - labels: N classes, each in 0 ... `config.numEmbedsAdaNorm`, which stands for none, or blends of them.
  ///   - control: what a ControlNet adds: a residual behind each of the first blocks, `[N, T, D]`.
  ///   - dropout: the key of this step's drop-out; nil outside training.
  public func callAsFunction(
    _ x: Tensor, timesteps: [Float], labels: ClassLabels, control: ControlResiduals? = nil,
    dropout: NoiseKey? = nil
  ) -> Tensor {
    let (_, _, height, width) = x.shape4
    let time = Self.timeProjection(timesteps)  // [N, 256]
    let conditions = blocks.map { $0.norm1.embedding(time, labels).activated(.silu) }  // [N, D] a block

    var h = patches(x)  // [N, T, D]
    let residuals = control?.blocks ?? []
    precondition(residuals.count <= blocks.count, "more control residuals than blocks")
    for (i, block) in blocks.enumerated() {
      h = block(h, conditions[i], dropout: dropout)
      if i < residuals.count { h = h + residuals[i] }
    }

    let shiftAndScale = modulation(conditions[0]).splitChannels([config.width, config.width])
    h = output(normOut(h, modulation: (scale: shiftAndScale[1], shift: shiftAndScale[0])))  // [N, T, p²·C]
    return h.picture(height: height, width: width, patch: config.patchSize, .channelsLast)
  }
}
