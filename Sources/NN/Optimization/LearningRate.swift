import Foundation

/// The learning rate over a run: a linear warm-up, then constant or down a cosine to 0.
public struct LearningRate: Codable, Sendable, Equatable {
  /// What follows the warm-up.
  public enum Decay: String, Codable, Sendable, CaseIterable {
    /// The peak to the end.
    case constant
    /// Half a cosine down to 0, as diffusers' `get_cosine_schedule_with_warmup`.
    case cosine
  }

  /// The highest rate.
  public var peak: Float
  /// Steps from 0 up to the peak.
  public var warmup: Int
  /// What follows.
  public var decay: Decay

  /// - Parameters:
  ///   - peak: more than 0.
  ///   - warmup: in steps.
  public init(peak: Float, warmup: Int, decay: Decay) {
    (self.peak, self.warmup, self.decay) = (peak, warmup, decay)
  }

  /// The rate of the update number `step`, counted from 0, of `total`.
  public func at(_ step: Int, of total: Int) -> Float {
    if step < warmup { return peak * Float(step) / Float(max(1, warmup)) }
    switch decay {
    case .constant: return peak
    case .cosine:
      let progress = Double(step - warmup) / Double(max(1, total - warmup))
      return peak * Float(max(0, 0.5 * (1 + cos(Double.pi * progress))))
    }
  }
}
