import NN
import TensorCore

/// The lowest resolution: residual blocks, with attention between where there is any; diffusers' `UNetMidBlock2D` and
/// `UNetMidBlock2DCrossAttn`.
struct MidBlock {
  let resnets: [ResnetBlock2D]
  /// After the first residual block.
  let attention: (any MapAttention)?

  /// - Parameters:
  ///   - resnets: how many; attention follows the first.
  ///   - attention: makes it at its place, `attentions.0`; nil for none.
  init(
    _ p: ParameterScope, channels: Int, _ options: ResnetOptions, resnets: Int = 2,
    attention: ((ParameterScope) -> any MapAttention)?
  ) {
    func resnet(_ i: Int) -> ResnetBlock2D {
      ResnetBlock2D(p["resnets"][i], inputs: channels, outputs: channels, options)
    }
    let first = resnet(0)
    self.attention = attention?(p["attentions"][0])
    self.resnets = [first] + (1..<resnets).map(resnet)
  }

  /// [N, C, H, W] → [N, C, H, W]
  func callAsFunction(_ x: Tensor, _ context: BlockContext) -> Tensor {
    var h = resnets[0](x, context)
    if let attention { h = attention(h, context) }
    for resnet in resnets.dropFirst() { h = resnet(h, context) }
    return h
  }
}
