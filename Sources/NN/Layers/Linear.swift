import TensorCore

/// A linear map, as `torch.nn.Linear`.
public struct Linear {
  let weight: Tensor  // [Out, In]
  let bias: Tensor?  // [Out]

  /// - Parameters:
  ///   - inputs: size of the last dimension of what it is given.
  ///   - outputs: size of the last dimension of its result.
  public init(_ p: ParameterScope, inputs: Int, outputs: Int, bias: Bool = true) {
    weight = p.parameter("weight", [outputs, inputs], .fanIn(inputs))
    self.bias = bias ? p.parameter("bias", [outputs], .fanIn(inputs)) : nil
  }

  /// The weight and the bias.
  public var map: LinearMap { (weight, bias) }

  /// [..., In] → [..., Out]
  public func callAsFunction(_ x: Tensor) -> Tensor { linear(x, weight: weight, bias: bias) }
}
