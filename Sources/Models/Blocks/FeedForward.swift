import NN
import TensorCore

/// Two maps of each token with a non-linearity between, four times as wide inside: diffusers' `FeedForward`.
struct FeedForward {
  /// What stands between the maps.
  enum Nonlinearity {
    case activation(Activation)
    /// a·gelu(b) of a map twice as wide (Shazeer 2020).
    case geglu
  }

  let rise: Linear, fall: Linear
  let nonlinearity: Nonlinearity
  let dropout: Float
  private let dropoutIndex: UInt32

  /// - Parameter isXavier: whether fresh weights are Glorot & Bengio's, and not PyTorch's.
  init(
    _ p: ParameterScope, width: Int, _ nonlinearity: Nonlinearity, dropout: Float = 0, isXavier: Bool = false
  ) {
    let inner = 4 * width
    let raised = if case .geglu = nonlinearity { 2 * inner } else { inner }
    rise = Linear(
      p["net"][0]["proj"], inputs: width, outputs: raised,
      fresh: isXavier ? .xavier(inputs: width, outputs: inner) : nil)
    fall = Linear(
      p["net"][2], inputs: inner, outputs: width,
      fresh: isXavier ? .xavier(inputs: inner, outputs: width) : nil)
    self.nonlinearity = nonlinearity
    self.dropout = dropout
    dropoutIndex = UInt32(truncatingIfNeeded: KeyHash.fnv1a(p.path))
  }

  /// [N, T, D] → [N, T, D]
  ///
  /// - Parameter key: of this step's drop-out, or nil outside training.
  func callAsFunction(_ x: Tensor, dropout key: NoiseKey? = nil) -> Tensor {
    var h =
      switch nonlinearity {
      case .activation(let activation): rise(x, activation: activation)
      case .geglu: rise(x).gatedByGELU()
      }
    if var key, dropout > 0 {
      key.index = dropoutIndex
      h = TensorCore.dropout(h, probability: dropout, key: key)
    }
    return fall(h)
  }
}
