import CKernels

/// A pointwise non-linearity; raw values are diffusers' `act_fn`.
public enum Activation: String, Sendable, Codable, CaseIterable {
  /// x itself.
  case identity
  /// x·σ(x) (Elfwing et al. 2017); diffusers also calls it `swish`.
  case silu
  /// x·Φ(x), with the error function (Hendrycks & Gimpel 2016).
  case gelu
  /// max(x, 0).
  case relu
  /// x·tanh(softplus(x)) (Misra 2019).
  case mish
  /// GELU's tanh approximation.
  case geluTanh = "gelu-approximate"
  /// x·σ(1.702x), CLIP's approximation of GELU.
  case quickGELU = "quick_gelu"

  var kernel: dk_activation {
    switch self {
    case .identity: dk_identity
    case .silu: dk_silu
    case .gelu: dk_gelu
    case .relu: dk_relu
    case .mish: dk_mish
    case .geluTanh: dk_gelu_tanh
    case .quickGELU: dk_quick_gelu
    }
  }
}

extension Tensor {
  /// The activation of every value.
  public func activated(_ activation: Activation) -> Tensor {
    if activation == .identity { return self }
    let source = saved
    let forward = { (x: Tensor) in x.mapped { dk_activate($0, $1, $2, activation.kernel) } }
    return forward(self).recorded(inputs: [self], remake: { forward(source()) }) { dy, _ in
      let x = source()
      return [x.zipped(dy) { x, dy, dx, n in dk_activate_gradient(x, dy, dx, n, activation.kernel) }]
    }
  }
}
