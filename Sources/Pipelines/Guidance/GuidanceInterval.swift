import Models
import Schedulers
import TensorCore

/// Guidance between two noise levels alone (Kynkäänniemi et al. 2024, "Applying guidance in a limited interval"): early it
/// takes variety, late it changes little.
public struct GuidanceInterval: Predictor {
  let guided: any Predictor
  let plain: any Predictor
  /// Of noise to picture, σ/α: guided where it is above the first and at most the second.
  let ratios: (above: Float, upTo: Float)

  /// - Parameters:
  ///   - guided: who is asked within the interval.
  ///   - plain: who is asked outside.
  ///   - start: the share of a sampler's steps before guidance begins, from 0.
  ///   - end: the share after which it ends, up to 1.
  public init(
    _ guided: any Predictor, plain: any Predictor, start: Float, end: Float, of sampler: any Sampler
  ) {
    (self.guided, self.plain) = (guided, plain)
    let starts = sampler.stepStarts
    let steps = starts.indices.filter {
      Float($0) >= start * Float(starts.count) && Float($0) < end * Float(starts.count)
    }
    func ratio(_ step: Int) -> Float {
      let level = sampler.evaluations[starts[step]].level
      return level.sigma / level.alpha
    }
    guard let first = steps.first, let last = steps.last else {
      ratios = (.infinity, .infinity)
      return
    }
    ratios = (last + 1 < starts.count ? ratio(last + 1) : -1, first == 0 ? .infinity : ratio(first))
  }

  /// [N, C, H, W] → [N, C or 2C, H, W]
  public func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor {
    let ratio = evaluation.level.sigma / evaluation.level.alpha
    let isInside = ratio > ratios.above && ratio <= ratios.upTo
    return (isInside ? guided : plain)(x, evaluation, condition)
  }
}
