import Foundation
import TensorCore

/// The midpoint method with the middle taken in log σ (Karras et al. 2022, algorithm 2; k-diffusion, `sample_dpm_2` and
/// `sample_dpm_2_ancestral`).
public struct DPM2: Sampler {
  /// Two a step, at its beginning and its middle, but for the last, which is Euler's.
  public let evaluations: [Evaluation]
  /// The deviation of the noise that it starts from.
  public let initialNoiseScale: Float
  private let sigmas: [Float], middles: [Float]
  private let isAncestral: Bool
  private var start: Tensor?

  init(
    _ table: SigmaTable, _ training: SigmaInterpolation, isAncestral: Bool,
    spacing: SchedulerConfig.TimestepSpacing
  ) {
    sigmas = table.sigmas
    self.isAncestral = isAncestral
    initialNoiseScale = table.initialScale(spacing)
    middles = table.timesteps.indices.dropLast().map { i in
      let (from, to) = (table.sigmas[i], table.sigmas[i + 1])
      let end = isAncestral ? ancestralSplit(from: from, to: to).down : to
      return expf((logf(from) + logf(end)) / 2)
    }
    var list: [Evaluation] = []
    for (i, timestep) in table.timesteps.enumerated() {
      list.append(.exploding(timestep: timestep, sigma: table.sigmas[i]))
      if i < middles.count {
        list.append(.exploding(timestep: training.timestep(of: middles[i]), sigma: middles[i]))
      }
    }
    evaluations = list
  }

  /// Two, but for the last step.
  public var evaluationsPerStep: Int { 2 }
  /// Between a step's first evaluation and its second.
  public var isWithinStep: Bool { start != nil }

  /// Once a step of the ancestral kind, but for the last.
  public func needsNoise(_ i: Int) -> Bool { isAncestral && i % 2 == 1 }

  /// x′ = x + (σ′ − σ)·d(x + (σₘ − σ)·d(x))
  public mutating func step(_ i: Int, _ denoised: Denoised, _ x: Tensor, noise: Tensor?) -> Tensor {
    let (sigma, next) = (sigmas[i / 2], sigmas[i / 2 + 1])
    guard i % 2 == 1, let start else {
      self.start = x
      let h = ((i / 2 < middles.count ? middles[i / 2] : next) - sigma) / sigma
      return .combination([(1 + h, x), (-h, denoised.x0)])
    }
    let (up, end) = isAncestral ? ancestralSplit(from: sigma, to: next) : (0, next)
    let h = (end - sigma) / middles[i / 2]
    self.start = nil
    var terms = [(Float(1), start), (h, x), (-h, denoised.x0)]
    if let noise { terms.append((up, noise)) }
    return .combination(terms)
  }
}
