import TensorCore

/// Heun's method: an Euler step, then the same step again with the mean of the slopes at both its ends (Karras et al. 2022,
/// algorithm 1). The step to σ = 0 is Euler's alone.
public struct Heun: Sampler {
  /// Two a step, at its beginning and its end, but for the last.
  public let evaluations: [Evaluation]
  /// The deviation of the noise that it starts from.
  public let initialNoiseScale: Float
  private let sigmas: [Float]
  private var slope: Tensor?
  private var start: Tensor?

  /// - Parameters:
  ///   - evaluations: one a step.
  ///   - sigmas: one more.
  init(_ evaluations: [Evaluation], sigmas: [Float], initialNoiseScale: Float) {
    self.evaluations = evaluations.prefix(1) + evaluations.dropFirst().flatMap { [$0, $0] }
    (self.sigmas, self.initialNoiseScale) = (sigmas, initialNoiseScale)
  }

  /// Two, but for the last step.
  public var evaluationsPerStep: Int { 2 }
  /// Between a step's first evaluation and its second.
  public var isWithinStep: Bool { slope != nil }

  /// x′ = x + (σ′ − σ)·(d + d′)/2 with d = (x − x₀)/σ
  public mutating func step(_ i: Int, _ denoised: Denoised, _ x: Tensor, noise: Tensor?) -> Tensor {
    // Evaluations 2k and 2k + 1 belong to the step from σ_k.
    let (sigma, next) = (sigmas[i / 2], sigmas[i / 2 + 1])
    guard let slope, let start else {
      let d = Tensor.combination([(1 / sigma, x), (-1 / sigma, denoised.x0)])
      (self.slope, self.start) = (d, x)
      return .combination([(Float(1), x), (next - sigma, d)])
    }
    let h = (next - sigma) / 2
    (self.slope, self.start) = (nil, nil)
    return .combination([(Float(1), start), (h, slope), (h / next, x), (-h / next, denoised.x0)])
  }
}
