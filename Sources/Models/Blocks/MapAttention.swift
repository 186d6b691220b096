import NN
import TensorCore

/// What may follow a residual block: attention over a map's pixels, to themselves or to a text.
protocol MapAttention {
  /// [N, C, H, W] → [N, C, H, W]
  func callAsFunction(_ x: Tensor, _ context: BlockContext) -> Tensor
}

extension SelfAttention: MapAttention {
  func callAsFunction(_ x: Tensor, _: BlockContext) -> Tensor { self(x) }
}
