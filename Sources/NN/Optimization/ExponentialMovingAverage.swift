import Foundation
import TensorCore

/// An exponential moving average of the parameters, which is what is saved and sampled from.
///
/// The decay of update s warms up as s/(9 + s) from 0 at the first, at most `decay`, so that a short run is
/// not held at its beginning: the rule of diffusers' `EMAModel` without `use_ema_warmup`.
public struct ExponentialMovingAverage {
  /// The decay after the warm-up.
  public let decay: Float

  /// - Parameter decay: in 0 ..< 1.
  public init(decay: Float) { self.decay = decay }

  /// The decay of the update after step number `step`, counted from 1.
  public func decay(at step: Int) -> Float { step <= 1 ? 0 : min(decay, Float(step) / Float(9 + step)) }

  /// Updates `averages` in place.
  public func update(_ averages: [Tensor], from parameters: [Tensor], step: Int) {
    let decay = decay(at: step)
    for (average, parameter) in zip(averages, parameters) {
      emaStep(average: average, parameter: parameter, decay: decay)
    }
  }
}
