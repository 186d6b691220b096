import Models
import Schedulers
import TensorCore

/// Guidance by a classifier of noisy pictures, or by anything else whose log-likelihood has a gradient (Dhariwal & Nichol
/// 2021, "Diffusion models beat GANs on image synthesis", section 4).
///
/// DDPM adds s·Σ·∇log p(y|x) to the mean of its step (algorithm 1); every other sampler is given the score
/// ∇log p(x) + s·∇log p(y|x), that is ε − s·σ·∇log p(y|x) (algorithm 2).
public struct ClassifierGuidance {
  /// ∇ log p(y|x) with respect to the noisy pictures, `[N, C, H, W]`, as they are shown to a network in an evaluation; y
  /// is what the condition says.
  public typealias Gradient = (_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor

  let scale: Float
  let gradient: Gradient

  /// - Parameter scale: s; 1 is Bayes' rule, more exaggerates it.
  public init(scale: Float, _ gradient: @escaping Gradient) {
    (self.scale, self.gradient) = (scale, gradient)
  }

  /// s·∇log p(y|x) with respect to the pictures as the sampler has them.
  func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor {
    scale * evaluation.inputScale * gradient(x, evaluation, condition)
  }
}
