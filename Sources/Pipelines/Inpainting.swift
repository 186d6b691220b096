import Schedulers
import TensorCore

/// What holds while a part of pictures is painted anew: after each visit the known part is put back, at the level reached.
public struct Inpainting {
  /// How the known part is noised.
  public enum Method: String, Sendable, CaseIterable {
    /// With the noise that the run began with, at every visit (as diffusers' pipelines).
    case blend
    /// With new noise at every step, along a route that jumps back, so that both parts come to agree (RePaint: Lugmayr et
    /// al. 2022, equation 8).
    case repaint
  }

  let method: Method
  let known: Tensor
  let mask: Tensor
  let epsilon: Tensor

  /// - Parameters:
  ///   - known: the pictures or latents, `[N, C, H, W]`.
  ///   - mask: of the same shape, 1 where they are painted anew, 0 where they are known.
  ///   - epsilon: the noise that the run begins with, of the same shape.
  public init(_ method: Method, known: Tensor, mask: Tensor, epsilon: Tensor) {
    precondition(known.shape == mask.shape && known.shape == epsilon.shape, "inpainting with unlike shapes")
    (self.method, self.known, self.mask, self.epsilon) = (method, known, mask, epsilon)
  }

  /// m·x + (1 − m)·(α·known + σ·noise)
  public func afterVisit(_ end: VisitEnd, _ x: Tensor, _ noise: inout any NoiseSource) -> Tensor {
    let held: Tensor
    switch method {
    case .blend: held = end.level.noised(known, epsilon)
    case .repaint:
      guard end.endsStep else { return x }
      let draw = end.level == .clean ? epsilon : noise.normal(x.shape, .knownRegion, step: end.visit)
      held = end.level.noised(known, draw)
    }
    // Where the mask is 1 or 0, not a bit of the other side is let through.
    return mask * x + (-1 * mask + 1) * held
  }
}
