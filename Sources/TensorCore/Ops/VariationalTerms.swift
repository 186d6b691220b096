import Foundation

/// What one sample's term of the variational bound compares (Ho et al. 2020, equation 5).
public enum VariationalTerm: Sendable, Equatable {
  /// KL(q(x′ | x, x₀) ‖ p(x′ | x)): two Gaussians whose means differ by `meanFactor`·(x̂₀ − x₀).
  case divergence(meanFactor: Double, logVariance: Double)
  /// −log p(x₀ | x) of 8-bit values: the Gaussian around x̂₀, summed over each value's 1/255 to either side, the first and
  /// last value taking all that lies beyond (Ho et al. 2020, equation 13).
  case decoder
}

/// Terms of the variational bound in nats, the mean over the values of each sample.
///
/// Only the variance learns from them: the gradient through the mean is stopped, as in Improved DDPM (Nichol & Dhariwal
/// 2021, section 3.1).
///
/// - Parameters:
///   - error: x̂₀ − x₀, `[N, ...]`; a constant.
///   - x0: the pictures in [-1, 1], the same shape; a constant.
///   - logVariance: log Σ of the network's p(x′ | x), the same shape.
///   - terms: N of them.
/// - Returns: `[N]`.
public func variationalTerms(error: Tensor, x0: Tensor, logVariance: Tensor, _ terms: [VariationalTerm])
  -> Tensor
{
  precondition(
    error.shape == x0.shape && error.shape == logVariance.shape && error.shape[0] == terms.count,
    "a bound of \(error.shape), \(x0.shape) and \(logVariance.shape) with \(terms.count) terms")
  let source = logVariance.detached
  let (error, x0) = (error.ordered(like: source), x0.ordered(like: source))
  let n = terms.count
  let size = source.count / n
  let result = Tensor(uninitialized: [n])
  parallelFor(n) { i in
    let (e, x, v) = (error.pointer + i * size, x0.pointer + i * size, source.pointer + i * size)
    var sum = 0.0
    switch terms[i] {
    case .divergence(let factor, let logVariance):
      for k in 0..<size {
        let lag = logVariance - Double(v[k])
        let distance = factor * Double(e[k])
        // e^lag − lag − 1, without its cancellation where the variances are near.
        sum += 0.5 * (expm1(lag) - lag + distance * distance * exp(-Double(v[k])))
      }
    case .decoder:
      for k in 0..<size {
        sum -= DiscretizedGaussian(error: e[k], x0: x[k], logVariance: v[k]).logProbability
      }
    }
    result.pointer[i] = Float(sum / Double(size))
  }
  return result.recorded(inputs: [logVariance]) { dy, _ in
    let gradient = Tensor(uninitialized: source.shape, order: source.order)
    parallelFor(n) { i in
      let (e, x, v) = (error.pointer + i * size, x0.pointer + i * size, source.pointer + i * size)
      let g = gradient.pointer + i * size
      let factor = Double(dy.pointer[i]) / Double(size)
      switch terms[i] {
      case .divergence(let meanFactor, let logVariance):
        for k in 0..<size {
          let distance = meanFactor * Double(e[k])
          let precision = exp(-Double(v[k]))
          g[k] = Float(
            factor * 0.5 * (-expm1(logVariance - Double(v[k])) - distance * distance * precision))
        }
      case .decoder:
        for k in 0..<size {
          let gaussian = DiscretizedGaussian(error: e[k], x0: x[k], logVariance: v[k])
          g[k] = Float(-factor * gaussian.slope)
        }
      }
    }
    return [gradient]
  }
}

/// A Gaussian's probability of one of the 256 values of a picture in [-1, 1].
struct DiscretizedGaussian {
  /// The value's ends in deviations from the mean; infinite for the first and the last value.
  let lower: Double, upper: Double

  init(error: Float, x0: Float, logVariance: Float) {
    let precision = exp(-0.5 * Double(logVariance))
    let distance = -Double(error)
    lower = x0 < -0.999 ? -.infinity : (distance - 1 / 255) * precision
    upper = x0 > 0.999 ? .infinity : (distance + 1 / 255) * precision
  }

  /// log(Φ(upper) − Φ(lower)), exact also where both are so far out that Φ is 0 or 1.
  var logProbability: Double {
    // In the lower tail, where Φ keeps its digits.
    let (a, b) = lower > 0 ? (-upper, -lower) : (lower, upper)
    let logB = Self.logCumulative(b)
    return a == -.infinity ? logB : logB + log(-expm1(Self.logCumulative(a) - logB))
  }

  /// ∂ logProbability / ∂ log Σ = −½·(φ(upper)·upper − φ(lower)·lower)/(Φ(upper) − Φ(lower))
  var slope: Double {
    let logTotal = logProbability
    func part(_ z: Double) -> Double {
      z.isFinite ? z * exp(-0.5 * z * z - 0.5 * log(2 * Double.pi) - logTotal) : 0
    }
    return -0.5 * (part(upper) - part(lower))
  }

  /// log Φ(z); beyond −20 by its asymptotic series, whose first term left out is below 5e-9.
  private static func logCumulative(_ z: Double) -> Double {
    if z == .infinity { return 0 }
    if z > -20 { return log(0.5 * erfc(-z / 2.0.squareRoot())) }
    let w = 1 / (z * z)
    return -0.5 * z * z - log(-z) - 0.5 * log(2 * Double.pi) + log1p(-w * (1 - 3 * w * (1 - 5 * w)))
  }
}
