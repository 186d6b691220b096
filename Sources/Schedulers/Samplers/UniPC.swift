import Foundation
import TensorCore

/// Unified predictor–corrector (Zhao et al. 2023, "UniPC"): each evaluation first corrects the step that led to it, then
/// predicts the next, without a call more of the network.
public struct UniPC: Sampler {
  /// One a step.
  public let evaluations: [Evaluation]
  private let levels: [NoiseLevel]
  private let order: Int
  private let predictsX0: Bool
  private let lowerOrderFinal: Bool
  private let isFirstKind: Bool
  private let uncorrected: Set<Int>
  /// The newest last.
  private var history: [Tensor] = []
  private var lastX: Tensor?
  private var lastOrder = 0

  /// - Parameter levels: one more than there are evaluations.
  init(_ evaluations: [Evaluation], levels: [NoiseLevel], _ config: SchedulerConfig) {
    (self.evaluations, self.levels, order) = (evaluations, levels, config.solverOrder)
    (predictsX0, lowerOrderFinal) = (config.predictX0, config.lowerOrderFinal)
    isFirstKind = config.solverType == .bh1
    uncorrected = Set(config.disableCorrector)
  }

  /// One step of the paper, as `Sampler` describes it.
  public mutating func step(_ i: Int, _ denoised: Denoised, _ x: Tensor, noise: Tensor?) -> Tensor {
    let value = predictsX0 ? denoised.x0 : denoised.epsilon
    var x = x
    if let lastX, !uncorrected.contains(i - 1) {
      x = advance(lastX, from: i - 1, order: lastOrder, corrected: value)
    }
    history = history.suffix(order - 1) + [value]
    lastOrder = min(lowerOrderFinal ? evaluations.count - i : order, history.count)
    lastX = x
    return advance(x, from: i, order: lastOrder, corrected: nil)
  }

  /// From level `s` to the next with the values up to `s`, and where it corrects, that at the next too.
  private func advance(_ x: Tensor, from s: Int, order: Int, corrected: Tensor?) -> Tensor {
    let (from, to) = (levels[s], levels[s + 1])
    let h = to.lambda - from.lambda
    let hh = predictsX0 ? -h : h
    let values = Array(history.reversed())
    // Distances of earlier levels in units of the step, and 1 for the next.
    let earlier = (1..<max(order, 1)).map { (levels[s - $0].lambda - from.lambda) / h }
    let (weights, base) = weights(earlier + [1], hh, corrects: corrected != nil)
    let scale = Double(predictsX0 ? to.alpha : to.sigma)
    let ofX = predictsX0 ? to.sigma / from.sigma : to.alpha / from.alpha
    var ofNow = -scale * expm1(hh)
    var terms = [(ofX, x)]
    for (k, r) in earlier.enumerated() {
      let weight = -scale * base * weights[k] / r
      terms.append((Float(weight), values[k + 1]))
      ofNow -= weight
    }
    if let corrected {
      let weight = -scale * base * weights[earlier.count]
      terms.append((Float(weight), corrected))
      ofNow -= weight
    }
    return .combination(terms + [(Float(ofNow), values[0])])
  }

  /// Solves R·ρ = b of the paper's equation 9, and gives B(h): h itself or e^h − 1.
  private func weights(_ r: [Double], _ hh: Double, corrects: Bool) -> (rho: [Double], base: Double) {
    let base = isFirstKind ? hh : expm1(hh)
    var (phi, factorial, b) = (expm1(hh) / hh - 1, 1.0, [Double]())
    for i in 1...r.count {
      b.append(phi * factorial / base)
      factorial *= Double(i + 1)
      phi = phi / hh - 1 / factorial
    }
    let unknowns = corrects ? r.count : r.count - 1
    // The orders for which the paper gives the solution in closed form.
    if unknowns == 0 { return ([], base) }
    if unknowns == 1 { return ([0.5], base) }
    let rows = (0..<unknowns).map { power in r.prefix(unknowns).map { pow($0, Double(power)) } }
    return (solve(rows, Array(b.prefix(unknowns))), base)
  }

  /// Gaussian elimination with pivots, of at most three unknowns.
  private func solve(_ matrix: [[Double]], _ right: [Double]) -> [Double] {
    var rows = zip(matrix, right).map { $0 + [$1] }
    let n = rows.count
    for column in 0..<n {
      let pivot = (column..<n).max { abs(rows[$0][column]) < abs(rows[$1][column]) } ?? column
      rows.swapAt(column, pivot)
      for row in 0..<n where row != column {
        let factor = rows[row][column] / rows[column][column]
        for k in column...n { rows[row][k] -= factor * rows[column][k] }
      }
    }
    return (0..<n).map { rows[$0][n] / rows[$0][$0] }
  }
}
