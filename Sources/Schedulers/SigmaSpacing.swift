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
  /// Their logarithms, as numpy takes them.
  private let logarithms: [Float]

  init(_ schedule: NoiseSchedule) {
    sigmas = schedule.alphasCumprod.map { ((1 - $0) / $0).squareRoot() }
    logarithms = sigmas.map(numpyLogarithm)
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
    let logarithm = log(max(sigma, 1e-10))
    let low = below { Double($0) <= logarithm }
    let span = logarithms[low] - logarithms[low + 1]
    let weight = min(max((Double(logarithms[low]) - logarithm) / Double(span), 0), 1)
    return (1 - weight) * Double(low) + weight * Double(low + 1)
  }

  /// The same of a level in single precision, in which diffusers stays then.
  func timestep(of sigma: Float) -> Float {
    let logarithm = numpyLogarithm(max(sigma, 1e-10))
    let low = below { $0 <= logarithm }
    let span = logarithms[low] - logarithms[low + 1]
    let weight = min(max((logarithms[low] - logarithm) / span, 0), 1)
    return (1 - weight) * Float(low) + weight * Float(low + 1)
  }

  private func below(_ isBelow: (Float) -> Bool) -> Int {
    min(logarithms.lastIndex(where: isBelow) ?? 0, logarithms.count - 2)
  }
}

/// log x as numpy computes it in single precision, of a positive and normal number: P(m)/Q(m) + e·log 2 for
/// x = (1 + m)·2^e, with 1 + m between √½ and √2, the coefficients those of `numpy/_core/src/umath/npy_simd_data.h`.
///
/// It is off by an ulp for one number in twenty, and diffusers cuts what follows to whole timesteps, so that a logarithm
/// rounded otherwise tells the network another timestep.
func numpyLogarithm(_ x: Float) -> Float {
  let p: [Float] = [
    2.589979117907922693523e-02, 3.808837741388407920751e-01, 1.480000633576506585156,
    2.112677543073053063722, 9.999999999999998702752e-01, 0,
  ]
  let q: [Float] = [
    5.875095403124574342950e-03, 1.546476374983906719538e-01, 9.864942958519418960339e-01,
    2.453006071784736363091, 2.612677543073109236779, 1,
  ]
  let isLarge = x.significand / 2 > Float(0.5).squareRoot()
  let m = (isLarge ? x.significand / 2 : x.significand) - 1
  let exponent = Float(x.exponent) + (isLarge ? 1 : 0)
  let (above, below) = (horner(p, m), horner(q, m))
  return (above / below).addingProduct(exponent, Float(M_LN2))
}

/// A polynomial by fused multiply-adds, the highest power's coefficient first.
private func horner(_ coefficients: [Float], _ x: Float) -> Float {
  coefficients.dropFirst().reduce(coefficients[0]) { $1.addingProduct($0, x) }
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
