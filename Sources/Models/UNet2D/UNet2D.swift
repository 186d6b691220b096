import NN
import TensorCore

/// The U-Net of denoising diffusion (Ho et al. 2020; Dhariwal & Nichol 2021; Song et al. 2021), with the
/// whole parametrisation and the keys of diffusers' `UNet2DModel`.
public struct UNet2D {
  /// What it was built from.
  public let config: UNet2DConfig
  /// Its tensors by key.
  public let parameters: ParameterStore

  private enum TimeProjection {
    case positional(Timesteps)
    case fourier(GaussianFourierProjection)
    case learned(Embedding)
  }

  private enum ClassEmbedding {
    case table(Embedding)
    case timestep(TimestepEmbedding)
  }

  private let convIn: Conv2D
  private let timeProjection: TimeProjection
  private let timeEmbedding: TimestepEmbedding
  private let classEmbedding: ClassEmbedding?
  private let downBlocks: [DownBlock]
  private let midBlock: MidBlock?
  private let upBlocks: [UpBlock]
  private let normOut: GroupNorm
  private let convOut: Conv2D

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
    let channels = config.blockOutChannels
    let timeChannels = config.timeEmbeddingDim ?? channels[0] * 4

    convIn = Conv2D(p["conv_in"], inputs: config.inChannels, outputs: channels[0], kernel: 3)

    var projected = channels[0]
    switch config.timeEmbeddingType {
    case .positional:
      timeProjection = .positional(
        Timesteps(channels: channels[0], flipSinToCos: config.flipSinToCos, frequencyShift: config.freqShift))
    case .fourier:
      timeProjection = .fourier(GaussianFourierProjection(p["time_proj"], channels: channels[0], scale: 16))
      projected = 2 * channels[0]
    case .learned:
      timeProjection = .learned(
        Embedding(p["time_proj"], count: config.numTrainTimesteps ?? 0, size: channels[0]))
    }
    timeEmbedding = TimestepEmbedding(p["time_embedding"], inputs: projected, outputs: timeChannels)

    switch (config.classEmbedType, config.numClassEmbeds) {
    case (nil, let count?):
      classEmbedding = .table(Embedding(p["class_embedding"], count: count, size: timeChannels))
    case (.timestep, _):
      classEmbedding = .timestep(
        TimestepEmbedding(p["class_embedding"], inputs: projected, outputs: timeChannels))
    case (.identity, _), (nil, nil): classEmbedding = nil
    }

    let last = channels.count - 1
    downBlocks = channels.indices.map { i in
      DownBlock(
        p["down_blocks"][i], config.downBlockTypes[i], config, inputs: channels[max(0, i - 1)],
        outputs: channels[i],
        timeChannels: timeChannels, downsamples: i < last)
    }
    midBlock = config.midBlockType.map { _ in
      var options = ResnetOptions(config, timeChannels: timeChannels)
      options.outputScale = config.midBlockScaleFactor
      let groups = config.attnNormNumGroups ?? (options.scalesAndShifts ? nil : config.normNumGroups)
      return MidBlock(
        p["mid_block"], channels: channels[last], options,
        attention: config.addAttention
          ? .init(headSize: config.attentionHeadDim ?? channels[last], groups: groups) : nil)
    }
    let reversed = Array(channels.reversed())
    upBlocks = reversed.indices.map { i in
      UpBlock(
        p["up_blocks"][i], config.upBlockTypes[i], config, skipInputs: reversed[min(i + 1, last)],
        inputs: reversed[max(0, i - 1)], outputs: reversed[i], timeChannels: timeChannels, upsamples: i < last
      )
    }
    normOut = GroupNorm(
      p["conv_norm_out"], channels: channels[0], groups: config.normNumGroups, epsilon: config.normEps)
    convOut = Conv2D(p["conv_out"], inputs: channels[0], outputs: config.outChannels, kernel: 3)
  }

  /// What the network predicts, [N, out_channels, H, W], for a noisy batch.
  ///
  /// - Parameters:
  ///   - x: `[N, in_channels, H, W]`; H and W multiples of `config.sizeMultiple`.
  ///   - timesteps: N of them.
  ///   - labels: the class of each picture, where the network is class-conditional.
  ///   - dropout: the key of this step's drop-out; nil outside training.
  public func callAsFunction(
    _ x: Tensor, timesteps: [Float], labels: ClassLabels? = nil, dropout: NoiseKey? = nil
  ) -> Tensor {
    var sample = config.centerInputSample ? 2 * x + -1 : x
    let time = embedding(timesteps, labels)
    let context = BlockContext(activatedTime: time.activated(config.actFn), dropout: dropout)

    var picture = sample
    sample = convIn(sample)
    var skips = [sample]
    for block in downBlocks { sample = block(sample, context, skips: &skips, picture: &picture) }
    if let midBlock { sample = midBlock(sample, context) }
    var sum: Tensor?
    for block in upBlocks { sample = block(sample, context, skips: &skips, picture: &sum) }

    sample = convOut(normOut(sample, activation: .silu), adding: sum)
    if config.timeEmbeddingType == .fourier {
      sample = .combination(perSample: timesteps.map { 1 / $0 }, sample, timesteps.map { _ in 0 }, sample)
    }
    return sample
  }

  private func embedding(_ timesteps: [Float], _ labels: ClassLabels?) -> Tensor {
    func projected(_ t: [Float]) -> Tensor {
      switch timeProjection {
      case .positional(let project): project(t)
      case .fourier(let project): project(t)
      case .learned(let table): table(t.map { Int($0) })
      }
    }
    let time = timeEmbedding(projected(timesteps))
    switch (classEmbedding, labels) {
    case (.table(let table), .indices(let indices)): return time + table(indices)
    case (.timestep(let embed), .indices(let indices)):
      return time + embed(projected(indices.map { Float($0) }))
    case (nil, .vectors(let vectors)) where config.classEmbedType == .identity: return time + vectors
    case (nil, nil) where config.classEmbedType == nil: return time
    default: preconditionFailure("class labels must be given to a class-conditional network, and to no other")
    }
  }
}
