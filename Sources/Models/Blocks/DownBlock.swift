import NN
import TensorCore

/// One resolution of the contracting path: residual blocks, attention after each where there is any, then
/// half the size.
///
/// One type serves diffusers' down blocks, which differ in what is at these places alone.
struct DownBlock {
  enum Downsampler {
    case conv(Conv2D)
    case resnet(ResnetBlock2D)
    /// NCSN++'s (Song et al. 2021): the picture itself is filtered down beside the features, and enters them.
    case skip(ResnetBlock2D, skipConv: Conv2D)
  }

  let resnets: [ResnetBlock2D]
  let attentions: [any MapAttention]
  let downsampler: Downsampler?

  /// Adds each result to `skips`; `picture` is carried through by skip blocks alone.
  func callAsFunction(_ x: Tensor, _ context: BlockContext, skips: inout [Tensor], picture: inout Tensor)
    -> Tensor
  {
    var h = x
    for (i, resnet) in resnets.enumerated() {
      h = resnet(h, context)
      if i < attentions.count { h = attentions[i](h, context) }
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

extension DownBlock.Downsampler {
  /// A convolution at stride 2 at `downsamplers.0`.
  ///
  /// - Parameter padding: 1, or 0 for diffusers' row below and column to the right instead.
  static func strided(_ p: ParameterScope, channels: Int, padding: Int) -> DownBlock.Downsampler {
    .conv(
      Conv2D(
        p["downsamplers"][0]["conv"], inputs: channels, outputs: channels, kernel: 3, stride: 2,
        padding: padding == 0 ? Padding(top: 0, left: 0, bottom: 1, right: 1) : .all(padding)))
  }
}
