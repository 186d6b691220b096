import NN
import TensorCore

/// The lowest resolution: residual blocks around attention, diffusers' `UNetMidBlock2D`.
struct MidBlock {
  let resnets: [ResnetBlock2D]
  let attention: SelfAttention?

  struct AttentionOptions {
    /// Channels of a head.
    var headSize: Int
    /// Of the normalisation before it; nil for none.
    var groups: Int?
  }

  /// - Parameter attention: nil for none.
  init(_ p: ParameterScope, channels: Int, _ options: ResnetOptions, attention: AttentionOptions?) {
    let first = ResnetBlock2D(p["resnets"][0], inputs: channels, outputs: channels, options)
    self.attention = attention.map {
      SelfAttention(
        p["attentions"][0], channels: channels, headSize: $0.headSize, groups: $0.groups,
        epsilon: options.epsilon, outputScale: options.outputScale)
    }
    resnets = [first, ResnetBlock2D(p["resnets"][1], inputs: channels, outputs: channels, options)]
  }

  /// [N, C, H, W] → [N, C, H, W]
  func callAsFunction(_ x: Tensor, _ context: BlockContext) -> Tensor {
    let h = resnets[0](x, context)
    return resnets[1](attention?(h) ?? h, context)
  }
}
