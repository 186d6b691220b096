import TensorCore

/// A 2-D convolution, as `torch.nn.Conv2d`.
public struct Conv2D {
  let weight: Tensor  // [O, C, k, k]
  let bias: Tensor?  // [O]
  let stride: Int
  let padding: Padding

  /// - Parameters:
  ///   - inputs: channels of what it is given.
  ///   - outputs: channels of its result.
  ///   - kernel: height and width of the window.
  ///   - padding: half the window by default, which keeps the size at stride 1.
  ///   - fresh: how weight and bias begin; PyTorch's default where nil.
  public init(
    _ p: ParameterScope, inputs: Int, outputs: Int, kernel: Int, stride: Int = 1, padding: Padding? = nil,
    bias: Bool = true, fresh: FreshLinear? = nil
  ) {
    let fanIn = inputs * kernel * kernel
    let fresh = fresh ?? FreshLinear(weight: .fanIn(fanIn), bias: .fanIn(fanIn))
    weight = p.parameter("weight", [outputs, inputs, kernel, kernel], fresh.weight)
    self.bias = bias ? p.parameter("bias", [outputs], fresh.bias) : nil
    self.stride = stride
    self.padding = padding ?? .all(kernel / 2)
  }

  /// [N, C, H, W] → [N, O, H', W'], plus `residual` of that shape; of x after `normalization`, where one is given.
  public func callAsFunction(
    _ x: Tensor, after normalization: GroupNormalization? = nil, adding residual: Tensor? = nil
  ) -> Tensor {
    conv2D(
      x, after: normalization, weight: weight, bias: bias, stride: stride, padding: padding,
      adding: residual)
  }
}
