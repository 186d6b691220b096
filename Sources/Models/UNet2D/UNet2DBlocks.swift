import NN
import TensorCore

// What diffusers' `UNet2DModel` puts in each place of a block.

extension DownBlock {
  init(
    _ p: ParameterScope, _ type: UNet2DConfig.DownBlockType, _ config: UNet2DConfig, inputs: Int,
    outputs: Int, timeChannels: Int, downsamples: Bool
  ) {
    func options(inputs: Int) -> ResnetOptions {
      ResnetOptions(
        config, timeChannels: timeChannels, skipGroups: type.isSkip ? (inputs / 4, outputs / 4) : nil)
    }
    let layers = config.layersPerBlock
    resnets = (0..<layers).map { i in
      let width = i == 0 ? inputs : outputs
      return ResnetBlock2D(p["resnets"][i], inputs: width, outputs: outputs, options(inputs: width))
    }
    attentions =
      type.attends
      ? (0..<layers).map { i in
        SelfAttention(
          p["attentions"][i], channels: outputs, headSize: config.attentionHeadDim ?? outputs,
          groups: type.isSkip ? 32 : config.normNumGroups, epsilon: config.normEps,
          outputScale: options(inputs: outputs).outputScale)
      } : []
    guard downsamples else {
      downsampler = nil
      return
    }
    if type.isSkip {
      p.require(config.inChannels == 3, "pictures of \(config.inChannels) channels; Skip blocks are for 3")
      downsampler = .skip(
        ResnetBlock2D(
          p["resnet_down"], inputs: outputs, outputs: outputs, options(inputs: outputs), resampling: .firDown,
          forceShortcut: true),
        skipConv: Conv2D(p["skip_conv"], inputs: 3, outputs: outputs, kernel: 1))
    } else if type == .resnetDownsample || (type == .attention && config.downsampleType == .resnet) {
      downsampler = .resnet(
        ResnetBlock2D(
          p["downsamplers"][0], inputs: outputs, outputs: outputs, options(inputs: outputs),
          resampling: .averageDown))
    } else {
      downsampler = .strided(p, channels: outputs, padding: config.downsamplePadding)
    }
  }
}

extension UpBlock {
  /// - Parameters:
  ///   - skipInputs: channels of the contracting path's results one resolution up.
  ///   - inputs: channels of what comes from below.
  init(
    _ p: ParameterScope, _ type: UNet2DConfig.UpBlockType, _ config: UNet2DConfig, skipInputs: Int,
    inputs: Int, outputs: Int, timeChannels: Int, upsamples: Bool
  ) {
    isSkip = type.isSkip
    func options(_ skipGroups: Int) -> ResnetOptions {
      ResnetOptions(
        config, timeChannels: timeChannels, skipGroups: type.isSkip ? (skipGroups, outputs / 4) : nil)
    }
    let layers = config.layersPerBlock + 1
    resnets = (0..<layers).map { i in
      let skip = i == layers - 1 ? skipInputs : outputs
      let width = i == 0 ? inputs : outputs
      // diffusers' AttnSkipUpBlock2D divides the skip's channels alone by four; checkpoints follow it.
      let groups = type == .attentionSkip ? width + skip / 4 : (width + skip) / 4
      return ResnetBlock2D(p["resnets"][i], inputs: width + skip, outputs: outputs, options(groups))
    }
    attendsOnce = type == .attentionSkip
    attentions =
      type.attends
      ? (0..<(attendsOnce ? 1 : layers)).map { i in
        SelfAttention(
          p["attentions"][i], channels: outputs, headSize: config.attentionHeadDim ?? outputs,
          groups: type.isSkip ? 32 : config.normNumGroups, epsilon: config.normEps,
          outputScale: options(0).outputScale)
      } : []
    guard upsamples else {
      upsampler = nil
      return
    }
    if type.isSkip {
      p.require(config.outChannels == 3, "pictures of \(config.outChannels) channels; Skip blocks are for 3")
      upsampler = .skip(
        ResnetBlock2D(
          p["resnet_up"], inputs: outputs, outputs: outputs, options(outputs / 4), resampling: .firUp,
          forceShortcut: true),
        norm: GroupNorm(
          p["skip_norm"], channels: outputs, groups: min(outputs / 4, 32), epsilon: config.normEps),
        skipConv: Conv2D(p["skip_conv"], inputs: outputs, outputs: 3, kernel: 3))
    } else if type == .resnetUpsample || (type == .attention && config.upsampleType == .resnet) {
      upsampler = .resnet(
        ResnetBlock2D(
          p["upsamplers"][0], inputs: outputs, outputs: outputs, options(0), resampling: .nearestUp))
    } else {
      upsampler = .enlarged(p, channels: outputs)
    }
  }
}

extension ResnetOptions {
  /// - Parameter skipGroups: groups of the two normalisations in a skip block, before the limit of 32; such
  ///   blocks also divide by √2.
  init(_ config: UNet2DConfig, timeChannels: Int, skipGroups: (Int, Int)? = nil) {
    self.init(
      timeChannels: timeChannels, groups: skipGroups.map { min($0.0, 32) } ?? config.normNumGroups,
      groupsOut: skipGroups.map { min($0.1, 32) } ?? config.normNumGroups, epsilon: config.normEps,
      activation: config.actFn, scalesAndShifts: config.resnetTimeScaleShift == .scaleShift,
      outputScale: skipGroups == nil ? 1 : Float(2).squareRoot(), dropout: config.dropout)
  }
}

extension ContractingPath {
  /// - Parameter convIn: made before, since a checkpoint's order has the embeddings between.
  init(_ p: ParameterScope, _ config: UNet2DConfig, convIn: Conv2D) {
    let channels = config.blockOutChannels
    let last = channels.count - 1
    self.convIn = convIn
    downBlocks = channels.indices.map { i in
      DownBlock(
        p["down_blocks"][i], config.downBlockTypes[i], config, inputs: channels[max(0, i - 1)],
        outputs: channels[i], timeChannels: config.timeChannels, downsamples: i < last)
    }
    midBlock = config.midBlockType.map { _ in
      var options = ResnetOptions(config, timeChannels: config.timeChannels)
      options.outputScale = config.midBlockScaleFactor
      let groups = config.attnNormNumGroups ?? (options.scalesAndShifts ? nil : config.normNumGroups)
      return MidBlock(
        p["mid_block"], channels: channels[last], options,
        attention: config.addAttention
          ? { [options] p in
            SelfAttention(
              p, channels: channels[last], headSize: config.attentionHeadDim ?? channels[last],
              groups: groups, epsilon: options.epsilon, outputScale: options.outputScale)
          } : nil)
    }
  }
}

extension ExpandingPath {
  init(_ p: ParameterScope, _ config: UNet2DConfig) {
    let reversed = Array(config.blockOutChannels.reversed())
    let last = reversed.count - 1
    upBlocks = reversed.indices.map { i in
      UpBlock(
        p["up_blocks"][i], config.upBlockTypes[i], config, skipInputs: reversed[min(i + 1, last)],
        inputs: reversed[max(0, i - 1)], outputs: reversed[i], timeChannels: config.timeChannels,
        upsamples: i < last)
    }
    normOut = GroupNorm(
      p["conv_norm_out"], channels: reversed[last], groups: config.normNumGroups, epsilon: config.normEps)
    convOut = Conv2D(p["conv_out"], inputs: reversed[last], outputs: config.outChannels, kernel: 3)
    activation = .silu
  }
}
