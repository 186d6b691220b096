import TensorCore

/// How a linear map begins.
public struct FreshLinear: Sendable {
  let weight: Initialization
  let bias: Initialization

  /// - Parameter bias: 0 by default.
  public init(weight: Initialization, bias: Initialization = .constant(0)) {
    (self.weight, self.bias) = (weight, bias)
  }

  /// All zeros: what follows it begins as if it were not there.
  public static let zero = FreshLinear(weight: .constant(0))

  /// Glorot & Bengio's uniform weights, and no bias.
  public static func xavier(inputs: Int, outputs: Int) -> FreshLinear {
    FreshLinear(weight: .xavier(inputs: inputs, outputs: outputs))
  }
}

/// A linear map, as `torch.nn.Linear`.
public struct Linear {
  /// How a checkpoint keeps the weight.
  public enum Form: Sendable {
    /// `[Out, In]`.
    case matrix
    /// `[Out, In, 1, 1]`: a 1×1 convolution, which is a linear map of each pixel.
    case convolution
  }

  let weight: Tensor  // as `form` says
  let bias: Tensor?  // [Out]
  private let form: Form
  private let inputs: Int, outputs: Int

  /// - Parameters:
  ///   - inputs: size of the last dimension of what it is given.
  ///   - outputs: size of the last dimension of its result.
  ///   - fresh: how weight and bias begin; PyTorch's default where nil.
  public init(
    _ p: ParameterScope, inputs: Int, outputs: Int, bias: Bool = true, form: Form = .matrix,
    fresh: FreshLinear? = nil
  ) {
    let fresh = fresh ?? FreshLinear(weight: .fanIn(inputs), bias: .fanIn(inputs))
    weight = p.parameter(
      "weight", form == .matrix ? [outputs, inputs] : [outputs, inputs, 1, 1], fresh.weight)
    self.bias = bias ? p.parameter("bias", [outputs], fresh.bias) : nil
    (self.form, self.inputs, self.outputs) = (form, inputs, outputs)
  }

  /// The weight, `[Out, In]`, and the bias.
  public var map: LinearMap { (form == .matrix ? weight : weight.reshaped([outputs, inputs]), bias) }

  /// [..., In] → [..., Out]
  public func callAsFunction(_ x: Tensor, activation: Activation = .identity) -> Tensor {
    linear(x, [map], activation: activation)[0]
  }
}
