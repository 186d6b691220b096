import NN
import TensorCore

/// One resolution of the contracting path: residual blocks, attention after each where there is any, then
/// half the size.
///
/// One type serves diffusers' five down blocks, which differ in what is at these places alone.
struct DownBlock {
  enum Downsampler {
    case conv(Conv2D)
    case resnet(ResnetBlock2D)
    /// NCSN++'s (Song et al. 2021): the picture itself is filtered down beside the features, and enters them.
    case skip(ResnetBlock2D, skipConv: Conv2D)
  }

  let resnets: [ResnetBlock2D]
  let attentions: [SelfAttention]
  let downsampler: Downsampler?

  init(
    _ p: ParameterScope, _ type: UNet2DConfig.DownBlockType, _ config: UNet2DConfig, inputs: Int,
    outputs: Int,
    timeChannels: Int, downsamples: Bool
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
      // Without padding diffusers adds a row below and a column to the right instead.
      let padding = config.downsamplePadding == 0 ? Padding(top: 0, left: 0, bottom: 1, right: 1) : .all(1)
      downsampler = .conv(
        Conv2D(
          p["downsamplers"][0]["conv"], inputs: outputs, outputs: outputs, kernel: 3, stride: 2,
          padding: padding))
    }
  }

  /// Adds each result to `skips`; `picture` is carried through by skip blocks alone.
  func callAsFunction(_ x: Tensor, _ context: BlockContext, skips: inout [Tensor], picture: inout Tensor)
    -> Tensor
  {
    var h = x
    for (i, resnet) in resnets.enumerated() {
      h = resnet(h, context)
      if i < attentions.count { h = attentions[i](h) }
      skips.append(h)
    }
    switch downsampler {
    case nil: return h
    case .conv(let conv): h = conv(h)
    case .resnet(let resnet): h = resnet(h, context)
    case .skip(let resnet, let skipConv):
      picture = Resampling.firDown(picture)
      h = skipConv(picture, adding: resnet(h, context))
    }
    skips.append(h)
    return h
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
