import Foundation
import TensorCore

/// One step of DPM-Solver or DPM-Solver++ (Lu et al. 2022a, 2022b): the linear part of the ODE solved exactly, the network's
/// part by its Taylor series in λ, of which D₀, D₁ and D₂ are value, slope and curvature.
struct DPMSolverUpdate {
  let algorithm: SchedulerConfig.AlgorithmType

  /// How D₁ enters: by the midpoint's weight, or by the series.
  enum FirstOrder { case midpoint, series }

  /// Whether D is of the noise ε, or of the picture x₀.
  var isOfNoise: Bool { algorithm == .dpmSolver || algorithm == .sdeDPMSolver }
  var isStochastic: Bool { algorithm == .sdeDPMSolver || algorithm == .sdeDPMSolverPlusPlus }

  /// What the series is of: the network's noise or picture, after clipping.
  func value(_ denoised: Denoised, _ x: Tensor, _ level: NoiseLevel, clips: Bool) -> Tensor {
    if !isOfNoise { return denoised.x0 }
    return clips ? denoised.noise(in: x, at: level) : denoised.epsilon
  }

  /// x at `to`, from x at `from`, where the series is taken.
  func callAsFunction(
    _ x: Tensor, from: NoiseLevel, to: NoiseLevel, _ d0: Tensor, _ d1: Tensor? = nil, _ d2: Tensor? = nil,
    _ first: FirstOrder, noise: Tensor?
  ) -> Tensor {
    let h = to.lambda - from.lambda
    let (alpha, sigma) = (Double(to.alpha), Double(to.sigma))
    let (ofX, c0, series1, c2, ofNoise): (Double, Double, Double, Double, Double)
    switch algorithm {
    case .dpmSolver:
      let e = expm1(h)
      (ofX, c0, ofNoise) = (alpha / Double(from.alpha), -sigma * e, 0)
      (series1, c2) = (-sigma * (e / h - 1), -sigma * ((e - h) / (h * h) - 0.5))
    case .sdeDPMSolver:
      let e = expm1(h)
      (ofX, c0) = (alpha / Double(from.alpha), -2 * sigma * e)
      (series1, c2, ofNoise) = (-2 * sigma * (e / h - 1), 0, sigma * expm1(2 * h).squareRoot())
    case .sdeDPMSolverPlusPlus:
      let e = -expm1(-2 * h)
      (ofX, c0) = (sigma / Double(from.sigma) * exp(-h), alpha * e)
      series1 = alpha * (e / (-2 * h) + 1)
      (c2, ofNoise) = (alpha * ((e - 2 * h) / (4 * h * h) - 0.5), sigma * e.squareRoot())
    default:
      let e = expm1(-h)
      (ofX, c0, ofNoise) = (sigma / Double(from.sigma), -alpha * e, 0)
      (series1, c2) = (alpha * (e / h + 1), -alpha * ((e + h) / (h * h) - 0.5))
    }
    var terms = [(Float(ofX), x), (Float(c0), d0)]
    if let d1 { terms.append((Float(first == .midpoint ? 0.5 * c0 : series1), d1)) }
    if let d2 { terms.append((Float(c2), d2)) }
    if isStochastic, let noise { terms.append((Float(ofNoise), noise)) }
    return .combination(terms)
  }
}
