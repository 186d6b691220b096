import Foundation
import Schedulers

/// min-SNR-γ weighting: noise levels that are nearly clean no longer outweigh the others (Hang et al. 2023, section 3.4).
///
/// The weight of x₀'s error is min(SNR, γ); an error of ε is SNR times one of x₀, and one of v is SNR + 1 times.
public struct MinSNRWeighting: Sendable {
  let gamma: Double

  /// - Parameter gamma: the signal-to-noise ratio from which on all count alike; 5 in the paper.
  public init(gamma: Float) { self.gamma = Double(gamma) }

  /// The weight of a squared error at a signal-to-noise ratio.
  public func callAsFunction(snr: Double, _ prediction: SchedulerConfig.PredictionType) -> Float {
    let capped = min(snr, gamma)
    switch prediction {
    case .epsilon: return Float(capped / snr)
    case .sample: return Float(capped)
    case .vPrediction: return Float(capped / (snr + 1))
    case .flow: preconditionFailure("min-SNR weighting is not defined for a flow")
    }
  }
}

extension LossOptions.HuberSchedule {
  /// Pseudo-Huber's c at timestep `t` of `count`, as diffusers' training scripts have it.
  ///
  /// Exponential: constant^(t/T). By the signal-to-noise ratio: (1 − constant)/(1 + σ/α)² + constant.
  func constant(_ constant: Float, timestep t: Int, of count: Int, snr: Double) -> Float {
    let c = Double(constant)
    switch self {
    case .constant: return constant
    case .exponential: return Float(exp(log(c) * Double(t) / Double(count)))
    case .snr:
      let ratio = 1 + (1 / snr).squareRoot()
      return Float((1 - c) / (ratio * ratio) + c)
    }
  }
}
