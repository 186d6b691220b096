import NN
import TensorCore

/// One resolution of the expanding path: residual blocks, each given a result of the contracting path beside
/// its input, attention where there is any, then twice the size.
///
/// One type serves diffusers' up blocks, which differ in what is at these places alone.
struct UpBlock {
  enum Upsampler {
    case conv(Conv2D)
    case resnet(ResnetBlock2D)
    /// NCSN++'s (Song et al. 2021): each resolution adds its picture to the one filtered up from below.
    case skip(ResnetBlock2D, norm: GroupNorm, skipConv: Conv2D)
  }

  let resnets: [ResnetBlock2D]
  let attentions: [any MapAttention]
  /// Whether one attention follows all residual blocks, as in `AttnSkipUpBlock2D`, and not each.
  var attendsOnce = false
  let upsampler: Upsampler?
  /// Whether a picture is passed on beside the features.
  var isSkip = false

  /// Takes its results of the contracting path from the end of `skips`.
  func callAsFunction(_ x: Tensor, _ context: BlockContext, skips: inout [Tensor], picture: inout Tensor?)
    -> Tensor
  {
    var h = x
    for (i, resnet) in resnets.enumerated() {
      h = resnet(.concatenatedChannels([h, skips.removeLast()]), context)
      if !attendsOnce, i < attentions.count { h = attentions[i](h, context) }
    }
    if attendsOnce { h = attentions[0](h, context) }
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

extension UpBlock.Upsampler {
  /// A convolution of the enlarged map, at `upsamplers.0`.
  static func enlarged(_ p: ParameterScope, channels: Int) -> UpBlock.Upsampler {
    .conv(Conv2D(p["upsamplers"][0]["conv"], inputs: channels, outputs: channels, kernel: 3))
  }
}
