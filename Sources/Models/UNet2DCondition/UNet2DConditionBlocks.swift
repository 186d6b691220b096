import NN
import TensorCore

// What diffusers' `UNet2DConditionModel` puts in each place of a block.

extension DownBlock {
  init(_ p: ParameterScope, _ config: UNet2DConditionConfig, block i: Int) {
    let channels = config.blockOutChannels
    let (inputs, outputs, layers) = (channels[max(0, i - 1)], channels[i], config.layersPerBlock[i])
    resnets = (0..<layers).map { layer in
      ResnetBlock2D(
        p["resnets"][layer], inputs: layer == 0 ? inputs : outputs, outputs: outputs, ResnetOptions(config))
    }
    attentions =
      config.downBlockTypes[i] == .crossAttention
      ? (0..<layers).map { layer in
        Transformer2D(
          p["attentions"][layer], channels: outputs,
          Transformer2D.Options(
            config, block: i, layers: config.transformerLayersPerBlock[i][layer],
            readsTextAlone: config.onlyCrossAttention[i]))
      } : []
    downsampler =
      i < channels.count - 1 ? .strided(p, channels: outputs, padding: config.downsamplePadding) : nil
  }
}

extension UpBlock {
  /// - Parameter i: counted from the lowest resolution.
  init(_ p: ParameterScope, _ config: UNet2DConditionConfig, block i: Int) {
    let channels = Array(config.blockOutChannels.reversed())
    let last = channels.count - 1
    let (below, outputs, above) = (channels[max(0, i - 1)], channels[i], channels[min(i + 1, last)])
    let layers = config.layersPerBlock[last - i] + 1
    resnets = (0..<layers).map { layer in
      let width = layer == 0 ? below : outputs
      return ResnetBlock2D(
        p["resnets"][layer], inputs: width + (layer == layers - 1 ? above : outputs), outputs: outputs,
        ResnetOptions(config))
    }
    attentions =
      config.upBlockTypes[i] == .crossAttention
      ? (0..<layers).map { layer in
        Transformer2D(
          p["attentions"][layer], channels: outputs,
          Transformer2D.Options(
            config, block: last - i, layers: config.transformerLayers(upBlock: i)[layer],
            readsTextAlone: config.onlyCrossAttention[last - i]))
      } : []
    upsampler = i < last ? .enlarged(p, channels: outputs) : nil
  }
}

extension ResnetOptions {
  init(_ config: UNet2DConditionConfig) {
    self.init(
      timeChannels: config.timeChannels, groups: config.normNumGroups, groupsOut: config.normNumGroups,
      epsilon: config.normEps, activation: config.actFn,
      scalesAndShifts: config.resnetTimeScaleShift == .scaleShift, dropout: config.dropout)
  }
}

extension Transformer2D.Options {
  /// - Parameter i: the block, counted from the full resolution.
  init(_ config: UNet2DConditionConfig, block i: Int, layers: Int, readsTextAlone: Bool = false) {
    self.init(
      heads: config.attentionHeadDim[i], layers: layers, textChannels: config.crossAttentionDim[i],
      groups: config.normNumGroups, readsTextAlone: readsTextAlone,
      projections: config.useLinearProjection ? .matrix : .convolution)
  }
}

extension ContractingPath {
  /// - Parameter convIn: made before, since a checkpoint's order has the embeddings between.
  init(_ p: ParameterScope, _ config: UNet2DConditionConfig, convIn: Conv2D) {
    let channels = config.blockOutChannels
    let last = channels.count - 1
    self.convIn = convIn
    downBlocks = channels.indices.map { DownBlock(p["down_blocks"][$0], config, block: $0) }
    midBlock = config.midBlockType.map { type in
      var options = ResnetOptions(config)
      options.outputScale = config.midBlockScaleFactor
      return switch type {
      case .plain: MidBlock(p["mid_block"], channels: channels[last], options, resnets: 1, attention: nil)
      case .crossAttention:
        MidBlock(p["mid_block"], channels: channels[last], options) { p in
          Transformer2D(
            p, channels: channels[last],
            .init(config, block: last, layers: config.transformerLayersPerBlock[last][0]))
        }
      }
    }
  }
}

extension ExpandingPath {
  init(_ p: ParameterScope, _ config: UNet2DConditionConfig) {
    let channels = config.blockOutChannels
    upBlocks = channels.indices.map { UpBlock(p["up_blocks"][$0], config, block: $0) }
    normOut = GroupNorm(
      p["conv_norm_out"], channels: channels[0], groups: config.normNumGroups, epsilon: config.normEps)
    convOut = Conv2D(
      p["conv_out"], inputs: channels[0], outputs: config.outChannels, kernel: config.convOutKernel)
    activation = config.actFn
  }
}
