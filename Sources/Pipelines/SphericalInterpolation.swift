import Foundation
import TensorCore

extension Tensor {
  /// Which values are one vector each where two tensors are interpolated on the sphere.
  public enum Sphere: Sendable {
    /// All of a picture's: what lies between two draws of noise is as likely as either.
    case pictures
    /// Each column of each channel: how A1111's web UI goes from a seed to its variation seed.
    case columns
  }

  /// Between two tensors along the arc that joins their directions (Shoemake 1985, "Animating rotation with quaternion
  /// curves"):
  ///
  ///     sin((1 − t)·ω)/sin ω · a + sin(t·ω)/sin ω · b,  cos ω = ⟨a, b⟩/(‖a‖·‖b‖)
  ///
  /// Noise mixed in a straight line would lose its deviation on the way, and pictures their contrast.
  ///
  /// - Parameters:
  ///   - b: `[N, C, H, W]`, as this one.
  ///   - t: how far it lies from this one to `b`, from 0 to 1; at either end it is that one, bit for bit.
  public func spherical(to b: Tensor, _ t: Float, over sphere: Sphere) -> Tensor {
    precondition(shape == b.shape && shape.count == 4, "between \(shape) and \(b.shape)")
    if t == 0 { return self }
    if t == 1 { return b }
    let (n, c, h, w) = shape4
    let (vectors, length, stride) = sphere == .pictures ? (n, c * h * w, 1) : (n * c * w, h, w)
    let (x, y) = (values, b.values)
    var result = x
    for vector in 0..<vectors {
      let first = sphere == .pictures ? vector * length : vector / w * h * w + vector % w
      let places = Swift.stride(from: first, to: first + length * stride, by: stride)
      var (xx, yy, xy) = (0.0, 0.0, 0.0)
      for i in places {
        xx += Double(x[i]) * Double(x[i])
        yy += Double(y[i]) * Double(y[i])
        xy += Double(x[i]) * Double(y[i])
      }
      let omega = acos(min(1, max(-1, xy / (xx * yy).squareRoot())))
      let sine = sin(omega)
      // Of one direction, or of none: there the arc is the straight line.
      let isArc = sine > 1e-6
      let own = Float(isArc ? sin((1 - Double(t)) * omega) / sine : 1 - Double(t))
      let other = Float(isArc ? sin(Double(t) * omega) / sine : Double(t))
      for i in places { result[i] = own * x[i] + other * y[i] }
    }
    return Tensor(result, shape: shape)
  }
}
