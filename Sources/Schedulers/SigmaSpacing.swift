import Foundation

/// Ways to space noise levels between the largest and the smallest, from noise to picture. In double precision, as numpy.
enum SigmaSpacing {
  /// σ^(1/ρ) linear (Karras et al. 2022, equation 5).
  static func karras(_ largest: Double, _ smallest: Double, _ count: Int, rho: Double = 7) -> [Double] {
    let (from, to) = (pow(largest, 1 / rho), pow(smallest, 1 / rho))
    return ramp(count).map { pow(from + $0 * (to - from), rho) }
  }

  /// log σ linear.
  static func exponential(_ largest: Double, _ smallest: Double, _ count: Int) -> [Double] {
    ramp(count).map { exp(log(largest) + $0 * (log(smallest) - log(largest))) }
  }

  /// Quantiles of a beta distribution: dense at both ends (Lee et al. 2024, "Beta sampling is all you need").
  static func beta(_ largest: Double, _ smallest: Double, _ count: Int, shape: Double = 0.6) -> [Double] {
    ramp(count).map {
      smallest + BetaDistribution(a: shape, b: shape).quantile(1 - $0) * (largest - smallest)
    }
  }

  /// 0 … 1, both included; 0 alone for one.
  static func ramp(_ count: Int) -> [Double] {
    (0..<count).map { count == 1 ? 0 : Double($0) / Double(count - 1) }
  }

  /// A flow's σ moved towards noise (Esser et al. 2024, equation 23).
  static func shifted(_ sigma: Double, by shift: Double) -> Double {
    shift * sigma / (1 + (shift - 1) * sigma)
  }
}

/// Σ over the table of training levels, found at fractional timesteps and the other way round.
struct SigmaInterpolation {
  /// √((1 − ᾱ)/ᾱ) by timestep, ascending.
  let sigmas: [Float]

  init(_ schedule: NoiseSchedule) {
    sigmas = schedule.alphasCumprod.map { ((1 - $0) / $0).squareRoot() }
  }

  /// Linear between neighbours; the ends beyond.
  func sigma(at timestep: Double) -> Double {
    let t = min(max(timestep, 0), Double(sigmas.count - 1))
    let low = min(Int(t), sigmas.count - 1)
    let high = min(low + 1, sigmas.count - 1)
    return Double(sigmas[low]) + (t - Double(low)) * (Double(sigmas[high]) - Double(sigmas[low]))
  }

  /// The timestep between those whose log σ enclose that of `sigma`.
  func timestep(of sigma: Double) -> Double {
    let wanted = log(max(sigma, 1e-10))
    let logs = sigmas.map { Double(logf($0)) }
    let low = min(logs.lastIndex { $0 <= wanted } ?? 0, logs.count - 2)
    let weight = min(max((logs[low] - wanted) / (logs[low] - logs[low + 1]), 0), 1)
    return (1 - weight) * Double(low) + weight * Double(low + 1)
  }
}

/// The beta distribution's quantiles.
struct BetaDistribution {
  let a: Double, b: Double

  /// The share below x: the regularised incomplete beta function, by its continued fraction (Abramowitz & Stegun 26.5.8).
  func cumulative(_ x: Double) -> Double {
    if x <= 0 { return 0 }
    if x >= 1 { return 1 }
    if x > (a + 1) / (a + b + 2) { return 1 - BetaDistribution(a: b, b: a).cumulative(1 - x) }
    let scale = lgamma(a + b) - lgamma(a) - lgamma(b)
    let front = exp(scale + a * log(x) + b * log(1 - x)) / a
    var (c, d) = (1.0, 1 / (1 - (a + b) * x / (a + 1)))
    var fraction = d
    for m in 1..<300 {
      let n = Double(m)
      let even: Double = n * (b - n) * x / ((a + 2 * n - 1) * (a + 2 * n))
      let odd: Double = -(a + n) * (a + b + n) * x / ((a + 2 * n) * (a + 2 * n + 1))
      for numerator in [even, odd] {
        d = 1 / (1 + numerator * d)
        c = 1 + numerator / c
        fraction *= c * d
      }
      if abs(c * d - 1) < 1e-15 { break }
    }
    return front * fraction
  }

  /// The x below which the share `p` lies, by bisection.
  func quantile(_ p: Double) -> Double {
    var (low, high) = (0.0, 1.0)
    for _ in 0..<200 where high - low > 1e-16 * max(low, 1e-300) {
      let middle = (low + high) / 2
      if cumulative(middle) < p { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
