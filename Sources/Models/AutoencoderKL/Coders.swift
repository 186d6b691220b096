import NN
import TensorCore

/// Pictures to the moments of their latents: diffusers' `Encoder`.
struct PictureEncoder {
  let convIn: Conv2D
  let blocks: [CoderBlock]
  let midBlock: MidBlock
  let normOut: GroupNorm
  let convOut: Conv2D

  init(_ p: ParameterScope, _ config: AutoencoderKLConfig) {
    let channels = config.blockOutChannels
    let last = channels.count - 1
    let options = ResnetOptions(config)
    convIn = Conv2D(p["conv_in"], inputs: config.inChannels, outputs: channels[0], kernel: 3)
    blocks = channels.indices.map { i in
      CoderBlock(
        p["down_blocks"][i], inputs: channels[max(0, i - 1)], outputs: channels[i],
        layers: config.layersPerBlock, attends: config.downBlockTypes[i] == .attention,
        resamples: i < last ? .down : nil, options)
    }
    midBlock = MidBlock(p["mid_block"], config, options)
    normOut = GroupNorm(
      p["conv_norm_out"], channels: channels[last], groups: config.normNumGroups, epsilon: options.epsilon)
    convOut = Conv2D(p["conv_out"], inputs: channels[last], outputs: 2 * config.latentChannels, kernel: 3)
  }

  /// [N, C, H, W] → [N, 2·latents, H', W']
  func callAsFunction(_ x: Tensor) -> Tensor { end(pixels(x)) }

  /// What is computed at more than the latents' resolution: [N, C, H, W] → [N, D, H', W'].
  func pixels(_ x: Tensor) -> Tensor {
    var h = convIn(x)
    for block in blocks { h = block(h) }
    return h
  }

  /// The rest: [N, D, H', W'] → [N, 2·latents, H', W'].
  func end(_ h: Tensor) -> Tensor { convOut(normOut(midBlock(h, .none), activation: .silu)) }
}

/// Latents to pictures: diffusers' `Decoder`.
struct LatentDecoder {
  let convIn: Conv2D
  let midBlock: MidBlock
  let blocks: [CoderBlock]
  let normOut: GroupNorm
  let convOut: Conv2D

  init(_ p: ParameterScope, _ config: AutoencoderKLConfig) {
    let channels = Array(config.blockOutChannels.reversed())
    let last = channels.count - 1
    let options = ResnetOptions(config)
    convIn = Conv2D(p["conv_in"], inputs: config.latentChannels, outputs: channels[0], kernel: 3)
    midBlock = MidBlock(p["mid_block"], config, options)
    blocks = channels.indices.map { i in
      CoderBlock(
        p["up_blocks"][i], inputs: channels[max(0, i - 1)], outputs: channels[i],
        layers: config.layersPerBlock + 1, attends: config.upBlockTypes[i] == .attention,
        resamples: i < last ? .up : nil, options)
    }
    normOut = GroupNorm(
      p["conv_norm_out"], channels: channels[last], groups: config.normNumGroups, epsilon: options.epsilon)
    convOut = Conv2D(p["conv_out"], inputs: channels[last], outputs: config.outChannels, kernel: 3)
  }

  /// [N, latents, H', W'] → [N, C, H, W]
  func callAsFunction(_ z: Tensor) -> Tensor { pixels(begin(z)) }

  /// What is computed at the latents' resolution: [N, latents, H', W'] → [N, D, H', W'].
  func begin(_ z: Tensor) -> Tensor { midBlock(convIn(z), .none) }

  /// The rest: [N, D, H', W'] → [N, C, H, W].
  func pixels(_ h: Tensor) -> Tensor {
    var h = h
    for block in blocks { h = block(h) }
    return convOut(normOut(h, activation: .silu))
  }
}

/// One resolution of either: residual blocks, attention after each where there is any, then half or twice the size.
struct CoderBlock {
  enum Direction { case down, up }

  let resnets: [ResnetBlock2D]
  let attentions: [SelfAttention]
  let resampler: (conv: Conv2D, direction: Direction)?

  /// - Parameter resamples: what follows; nil for nothing.
  init(
    _ p: ParameterScope, inputs: Int, outputs: Int, layers: Int, attends: Bool, resamples: Direction?,
    _ options: ResnetOptions
  ) {
    resnets = (0..<layers).map { i in
      ResnetBlock2D(p["resnets"][i], inputs: i == 0 ? inputs : outputs, outputs: outputs, options)
    }
    attentions =
      attends
      ? (0..<layers).map { i in
        SelfAttention(
          p["attentions"][i], channels: outputs, headSize: outputs, groups: options.groups,
          epsilon: options.epsilon)
      } : []
    resampler = resamples.map { direction in
      switch direction {
      // A row below and a column to the right, and none before: latent diffusion's own padding.
      case .down:
        (
          Conv2D(
            p["downsamplers"][0]["conv"], inputs: outputs, outputs: outputs, kernel: 3, stride: 2,
            padding: Padding(top: 0, left: 0, bottom: 1, right: 1)), direction
        )
      case .up:
        (Conv2D(p["upsamplers"][0]["conv"], inputs: outputs, outputs: outputs, kernel: 3), direction)
      }
    }
  }

  /// [N, In, H, W] → [N, Out, H', W']
  func callAsFunction(_ x: Tensor) -> Tensor {
    var h = x
    for (i, resnet) in resnets.enumerated() {
      h = resnet(h, .none)
      if i < attentions.count { h = attentions[i](h) }
    }
    guard let resampler else { return h }
    return resampler.conv(resampler.direction == .up ? h.upsampledNearest() : h)
  }
}

extension ResnetOptions {
  /// Of an autoencoder's blocks, which know no time.
  init(_ config: AutoencoderKLConfig) {
    self.init(
      timeChannels: nil, groups: config.normNumGroups, groupsOut: config.normNumGroups, epsilon: 1e-6,
      activation: config.actFn, scalesAndShifts: false)
  }
}

extension MidBlock {
  /// An autoencoder's: one head of all channels.
  init(_ p: ParameterScope, _ config: AutoencoderKLConfig, _ options: ResnetOptions) {
    let channels = config.blockOutChannels[config.blockOutChannels.count - 1]
    self.init(
      p, channels: channels, options,
      attention: config.midBlockAddAttention
        ? { p in
          SelfAttention(
            p, channels: channels, headSize: channels, groups: config.normNumGroups, epsilon: options.epsilon,
            outputScale: options.outputScale)
        } : nil)
  }
}
