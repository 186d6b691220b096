import NN
import TensorCore

/// The half of a U-Net that gets smaller, and its middle.
struct ContractingPath {
  let convIn: Conv2D
  let downBlocks: [DownBlock]
  let midBlock: MidBlock?

  /// What it leaves to the other half.
  struct Result {
    /// Every result on the way down, from the full resolution.
    var skips: [Tensor]
    /// The middle's result.
    var bottom: Tensor

    /// With what a ControlNet adds, one residual a skip and one for the middle (Zhang et al. 2023).
    func adding(_ control: ControlResiduals) -> Result {
      precondition(
        control.blocks.count == skips.count,
        "\(control.blocks.count) control residuals for \(skips.count) skip connections")
      return Result(
        skips: zip(skips, control.blocks).map { $0 + $1 },
        bottom: control.middle.map { bottom + $0 } ?? bottom)
    }
  }

  /// - Parameters:
  ///   - x: `[N, in_channels, H, W]`.
  ///   - hint: added after the first convolution, of its result's shape; nil for nothing.
  func callAsFunction(_ x: Tensor, _ context: BlockContext, hint: Tensor? = nil) -> Result {
    var picture = x
    var h = convIn(x, adding: hint)
    var skips = [h]
    for block in downBlocks { h = block(h, context, skips: &skips, picture: &picture) }
    if let midBlock { h = midBlock(h, context) }
    return Result(skips: skips, bottom: h)
  }
}

/// The half of a U-Net that gets larger again, up to its prediction.
struct ExpandingPath {
  let upBlocks: [UpBlock]
  let normOut: GroupNorm
  let convOut: Conv2D
  /// Before the last convolution.
  let activation: Activation

  /// [N, out_channels, H, W]; each skip is let go as soon as it was used.
  func callAsFunction(_ path: consuming ContractingPath.Result, _ context: BlockContext) -> Tensor {
    var picture: Tensor?
    for block in upBlocks { path.bottom = block(path.bottom, context, skips: &path.skips, picture: &picture) }
    return convOut(normOut(path.bottom, activation: activation), adding: picture)
  }
}
