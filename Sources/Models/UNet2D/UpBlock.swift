import NN
import TensorCore

/// One resolution of the expanding path: residual blocks, each given a result of the contracting path beside
/// its input, attention where there is any, then twice the size.
///
/// One type serves diffusers' five up blocks, which differ in what is at these places alone.
struct UpBlock {
  enum Upsampler {
    case conv(Conv2D)
    case resnet(ResnetBlock2D)
    /// NCSN++'s (Song et al. 2021): each resolution adds its picture to the one filtered up from below.
    case skip(ResnetBlock2D, norm: GroupNorm, skipConv: Conv2D)
  }

  let resnets: [ResnetBlock2D]
  let attentions: [SelfAttention]
  /// Whether one attention follows all residual blocks, as in `AttnSkipUpBlock2D`, and not each.
  let attendsOnce: Bool
  let upsampler: Upsampler?
  let isSkip: Bool

  /// - Parameters:
  ///   - skipInputs: channels of the contracting path's results one resolution up.
  ///   - inputs: channels of what comes from below.
  init(
    _ p: ParameterScope, _ type: UNet2DConfig.UpBlockType, _ config: UNet2DConfig, skipInputs: Int,
    inputs: Int,
    outputs: Int, timeChannels: Int, upsamples: Bool
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
      upsampler = .conv(Conv2D(p["upsamplers"][0]["conv"], inputs: outputs, outputs: outputs, kernel: 3))
    }
  }

  /// Takes its results of the contracting path from the end of `skips`.
  func callAsFunction(_ x: Tensor, _ context: BlockContext, skips: inout [Tensor], picture: inout Tensor?)
    -> Tensor
  {
    var h = x
    for (i, resnet) in resnets.enumerated() {
      h = resnet(.concatenatedChannels([h, skips.removeLast()]), context)
      if !attendsOnce, i < attentions.count { h = attentions[i](h) }
    }
    if attendsOnce { h = attentions[0](h) }
    if isSkip { picture = picture.map { Resampling.firUp($0) } }
    switch upsampler {
    case nil: return h
    case .conv(let conv): return conv(h.upsampledNearest())
    case .resnet(let resnet): return resnet(h, context)
    case .skip(let resnet, let norm, let skipConv):
      picture = skipConv(norm(h, activation: .silu), adding: picture)
      return resnet(h, context)
    }
  }
}
