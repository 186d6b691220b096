import TensorCore

/// Linear multistep: the slope is taken to be the polynomial through the last four, and integrated exactly (Katherine
/// Crowson, k-diffusion, `sample_lms`; Adams–Bashforth on uneven steps).
public struct LMS: Sampler {
  /// One a step.
  public let evaluations: [Evaluation]
  /// The deviation of the noise that it starts from.
  public let initialNoiseScale: Float
  private let sigmas: [Float]
  private let order = 4
  /// The newest last.
  private var slopes: [Tensor] = []

  /// - Parameter sigmas: one more than there are evaluations.
  init(_ evaluations: [Evaluation], sigmas: [Float], initialNoiseScale: Float) {
    (self.evaluations, self.sigmas, self.initialNoiseScale) = (evaluations, sigmas, initialNoiseScale)
  }

  /// x′ = x + Σ cₖ·dₖ
  public mutating func step(_ i: Int, _ denoised: Denoised, _ x: Tensor, noise: Tensor?) -> Tensor {
    slopes.append(.combination([(1 / sigmas[i], x), (-1 / sigmas[i], denoised.x0)]))
    slopes = slopes.suffix(order)
    let terms = slopes.reversed().enumerated().map { (coefficient(i, $0.offset), $0.element) }
    return .combination([(Float(1), x)] + terms)
  }

  /// ∫ Πⱼ (τ − σⱼ)/(σₖ − σⱼ) dτ over the step, by Gauss–Legendre quadrature with two points, exact for the third degree.
  private func coefficient(_ i: Int, _ k: Int) -> Float {
    let (from, to) = (Double(sigmas[i]), Double(sigmas[i + 1]))
    let (middle, half) = ((from + to) / 2, (to - from) / 2)
    let node = Double(sigmas[i - k])
    let others = slopes.indices.filter { $0 != k }.map { Double(sigmas[i - $0]) }
    let root = (1.0 / 3).squareRoot()
    let values = [middle - half * root, middle + half * root].map { tau in
      others.reduce(1) { $0 * (tau - $1) / (node - $1) }
    }
    return Float(half * (values[0] + values[1]))
  }
}
