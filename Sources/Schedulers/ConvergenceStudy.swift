import Foundation
import TensorCore

/// How fast a deterministic sampler's error falls as its steps double, on data whose denoiser is known exactly: a mixture of
/// normal distributions on a line.
///
/// The probability flow carries each quantile of the noisy distribution to the same quantile of the clean one, so where a
/// trajectory ought to end is known without any solver.
public struct ConvergenceStudy: Sendable {
  /// Means, deviations and shares of the mixture.
  private let parts: [(mean: Double, deviation: Double, weight: Double)] = [
    (-1.2, 0.25, 0.35), (0.3, 0.35, 0.4), (1.5, 0.2, 0.25),
  ]
  /// Where trajectories begin, in deviations of the largest noise.
  private let starts: [Double] = [-1.9, -1.1, -0.6, -0.2, 0.1, 0.5, 1.2, 1.7]

  /// A study of this mixture.
  public init() {}

  /// The samplers whose order theory knows, by short name, with that order. `dpmpp-3m` is diffusers', whose third order is
  /// the second (see `DPMSolverMultistep`); `lms` keeps three of its four beside its first steps, which are of lower order.
  public static let orders: [(name: String, order: Double)] = [
    ("euler", 1), ("heun", 2), ("dpm2", 2), ("dpmpp-2m", 2), ("dpmpp-3m", 2), ("dpmpp-3m-taylor", 3),
    ("dpmpp-2s", 2),
    ("dpmpp-3s", 3),
    ("deis", 2), ("unipc", 3), ("lms", 3),
  ]

  /// The root mean square distance of trajectories from where they ought to be at the smallest noise level, after as many
  /// steps as `evaluations` calls of the network allow.
  ///
  /// - Throws: `SchedulerError` for a sampler that does not exist or is not deterministic.
  public func error(of name: String, evaluations: Int) throws -> Double {
    var base = SchedulerConfig(.euler)
    (base.betaSchedule, base.betaStart, base.betaEnd) = (.scaledLinear, 0.00085, 0.012)
    var config = try base.under(name)
    if config.className.keys.contains(.useExponentialSigmas) { config.useExponentialSigmas = true }
    config.useKarrasSigmas = false
    (config.lowerOrderFinal, config.thresholding, config.clipSample) = (false, false, false)
    if config.className.keys.contains(.finalSigmasType) { config.finalSigmasType = .smallest }
    // The last step, to a noise level that is no further, is not taken: what counts is the way between two fixed levels.
    let calls = config.className == .heun || config.className == .dpm2 ? 2 : 1
    var sampler = try config.sampler(steps: evaluations / calls + 1)
    guard !sampler.evaluations.indices.contains(where: sampler.needsNoise) else {
      throw SchedulerError(file: "'\(name)'", "draws noise, so that it has no order of convergence here")
    }
    let first = sampler.evaluations[0].level
    let steps = sampler.evaluations.count - 1
    let last = sampler.evaluations[steps].level
    let noise = Double(first.sigma / first.alpha)
    var x = Tensor(starts.map { Float($0 * noise * Double(first.alpha)) }, shape: [starts.count, 1])
    for i in 0..<steps {
      let evaluation = sampler.evaluations[i]
      let level = evaluation.level
      let alpha = Double(level.alpha)
      let denoised = x.values.map {
        Float(mean(ofClean: Double($0) / alpha, noise: Double(level.sigma) / alpha))
      }
      let x0 = Tensor(denoised, shape: x.shape)
      let epsilon = Tensor.combination([(1 / level.sigma, x), (-level.alpha / level.sigma, x0)])
      x = sampler.step(i, Denoised(x0: x0, epsilon: epsilon, output: epsilon), x, noise: nil)
    }
    let ratio = Double(last.sigma / last.alpha)
    let errors = zip(x.values, starts).map { value, start in
      Double(value) / Double(last.alpha) - quantile(below(start * noise, noise: noise), noise: ratio)
    }
    return (errors.map { $0 * $0 }.reduce(0, +) / Double(errors.count)).squareRoot()
  }

  /// The expected clean value given a noisy one, by Bayes.
  private func mean(ofClean x: Double, noise: Double) -> Double {
    var (sum, total) = (0.0, 0.0)
    for part in parts {
      let variance = part.deviation * part.deviation + noise * noise
      let density = part.weight / variance.squareRoot() * exp(-pow(x - part.mean, 2) / (2 * variance))
      sum += density * (part.mean * noise * noise + x * part.deviation * part.deviation) / variance
      total += density
    }
    return sum / total
  }

  /// The share of noisy values below x.
  private func below(_ x: Double, noise: Double) -> Double {
    parts.reduce(0) { sum, part in
      let deviation = (part.deviation * part.deviation + noise * noise).squareRoot()
      return sum + part.weight * 0.5 * erfc(-(x - part.mean) / (deviation * 2.0.squareRoot()))
    }
  }

  /// The noisy value below which the share `p` lies, by bisection.
  private func quantile(_ p: Double, noise: Double) -> Double {
    var (low, high) = (-100.0, 100.0)
    for _ in 0..<200 {
      let middle = (low + high) / 2
      if below(middle, noise: noise) < p { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
