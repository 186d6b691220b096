import Foundation
import TensorCore

/// Diffusion exponential integrator (Zhang & Chen 2023, "Fast sampling of diffusion models with exponential integrator"): the
/// noise ε taken to be a polynomial in log ρ through its last values, ρ = σ/α, and integrated over ρ.
public struct DEIS: Sampler {
  /// One a step.
  public let evaluations: [Evaluation]
  private let levels: [NoiseLevel]
  private let order: Int
  private let endsLower: Bool
  /// The newest last.
  private var history: [Tensor] = []

  /// - Parameter levels: one more than there are evaluations.
  init(_ evaluations: [Evaluation], levels: [NoiseLevel], order: Int, lowerOrderFinal: Bool) {
    (self.evaluations, self.levels, self.order) = (evaluations, levels, order)
    endsLower = lowerOrderFinal && evaluations.count < 15
  }

  /// x′/α′ = x/α + Σ cₖ·εₖ
  public mutating func step(_ i: Int, _ denoised: Denoised, _ x: Tensor, noise: Tensor?) -> Tensor {
    history = history.suffix(order - 1) + [denoised.noise(in: x, at: levels[i])]
    let left = evaluations.count - i
    let now = endsLower ? min(history.count, left) : history.count
    let (from, to) = (levels[i], levels[i + 1])
    let ratio = { (level: NoiseLevel) in Double(level.sigma) / Double(level.alpha) }
    let nodes = (0..<now).map { log(ratio(levels[i - $0])) }
    let terms = zip(history.reversed(), 0..<now).map { epsilon, k in
      let weight = Self.integral(of: k, nodes, ratio(to)) - Self.integral(of: k, nodes, ratio(from))
      return (Float(Double(to.alpha) * weight), epsilon)
    }
    return .combination([(to.alpha / from.alpha, x)] + terms)
  }

  /// ∫ ℓₖ(log ρ) dρ up to ρ, where ℓₖ is the Lagrange polynomial that is 1 at node k and 0 at the others.
  private static func integral(of k: Int, _ nodes: [Double], _ rho: Double) -> Double {
    let others = nodes.indices.filter { $0 != k }.map { nodes[$0] }
    let denominator = others.reduce(1) { $0 * (nodes[k] - $1) }
    let l = log(rho)
    switch others.count {
    case 0: return rho
    case 1: return rho * (l - 1 - others[0]) / denominator
    default:
      // ∫ (log ρ)² = ρ·(l² − 2l + 2), ∫ log ρ = ρ·(l − 1)
      return rho * (l * l - 2 * l + 2 - (others[0] + others[1]) * (l - 1) + others[0] * others[1])
        / denominator
    }
  }
}
