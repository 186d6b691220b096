import TensorCore

/// Group normalisation, as `torch.nn.GroupNorm`, with what follows it fused in.
public struct GroupNorm {
  let weight: Tensor, bias: Tensor  // [C] each
  let groups: Int
  let epsilon: Float

  /// - Parameter groups: must divide `channels`, else the store's `finish` throws a `LayoutError`.
  public init(_ p: ParameterScope, channels: Int, groups: Int, epsilon: Float) {
    p.require(
      groups > 0 && channels % max(groups, 1) == 0,
      "\(channels) channels, which \(groups) groups do not divide")
    weight = p.parameter("weight", [channels], .constant(1))
    bias = p.parameter("bias", [channels], .constant(0))
    self.groups = groups
    self.epsilon = epsilon
  }

  /// activation(norm(x + shift)·(1 + scale) + offset); see `groupNorm`.
  ///
  /// - Parameters:
  ///   - x: `[N, C, H, W]`.
  ///   - shift: `[N, C]`.
  ///   - modulation: scale and offset, `[N, C]` each.
  public func callAsFunction(
    _ x: Tensor, shift: Tensor? = nil, modulation: (scale: Tensor, shift: Tensor)? = nil,
    activation: Activation = .identity
  ) -> Tensor {
    with(shift: shift, modulation: modulation, activation: activation)(x)
  }

  /// The same, to be applied by the convolution that comes next; see `Conv2D`.
  public func with(
    shift: Tensor? = nil, modulation: (scale: Tensor, shift: Tensor)? = nil,
    activation: Activation = .identity
  ) -> GroupNormalization {
    GroupNormalization(
      groups: groups, weight: weight, bias: bias, epsilon: epsilon, shift: shift, modulation: modulation,
      activation: activation)
  }
}

/// Layer normalisation over the last dimension, as `torch.nn.LayerNorm`.
public struct LayerNorm {
  let weight: Tensor?, bias: Tensor?  // [D]
  let epsilon: Float

  /// - Parameter affine: whether it has a learned scale and offset.
  public init(_ p: ParameterScope, size: Int, epsilon: Float = 1e-5, affine: Bool = true) {
    weight = affine ? p.parameter("weight", [size], .constant(1)) : nil
    bias = affine ? p.parameter("bias", [size], .constant(0)) : nil
    self.epsilon = epsilon
  }

  /// [..., D] → [..., D]
  public func callAsFunction(_ x: Tensor) -> Tensor {
    layerNorm(x, weight: weight, bias: bias, epsilon: epsilon)
  }
}
