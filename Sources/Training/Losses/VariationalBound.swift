import Foundation
import Schedulers
import TensorCore

/// The variational bound on a picture's likelihood, L_vlb = L_0 + … + L_{T−1} + L_T, in bits a dimension: how many bits
/// a value of the picture takes when the model compresses it (Ho et al. 2020, equation 5; Nichol & Dhariwal 2021,
/// section 2).
///
/// In double, from the schedule's βₜ: at the first timesteps 1 − ᾱ is a small difference. Timesteps count from 0 here, so
/// that L_0 is the decoder's term and L_T the prior's.
public struct VariationalBound: Sendable {
  /// What Σ of a reverse step is.
  public enum Variance: Sendable, Equatable {
    /// β̃ₜ, that of the true posterior given x₀.
    case small
    /// βₜ; at the decoder's step β̃₁, which Nichol & Dhariwal find far better there.
    case large
    /// The network's second half is Σ itself, as diffusers' `learned` has it.
    case learned
    /// exp(v·log βₜ + (1 − v)·log β̃ₜ), where the network's second half is 2v − 1 (Nichol & Dhariwal 2021, equation 15).
    case learnedRange
  }

  /// The numbers of one timestep.
  struct Step: Sendable {
    /// √ᾱ and √(1 − ᾱ).
    let alpha: Double, sigma: Double
    /// The factor of x₀ in the mean of q(x′ | x, x₀): √ᾱ′·β/(1 − ᾱ).
    let meanFactor: Double
    /// log β and log β̃, the latter at timestep 0 that of timestep 1, since β̃₀ is 0.
    let logBeta: Double, logBetaTilde: Double
  }

  let steps: [Step]
  let prediction: SchedulerConfig.PredictionType

  /// - Parameter scheduler: of a noise made of βₜ, and what the network's output, or its first half, is.
  /// - Throws: `SchedulerError` where it is impossible, or a flow or preconditioned, for which there is no such bound.
  public init(_ scheduler: SchedulerConfig) throws(SchedulerError) {
    guard !scheduler.isFlow && !scheduler.isPreconditioned else {
      throw SchedulerError(
        "is of \(scheduler.className.rawValue), for whose noise the variational bound is not defined")
    }
    prediction = scheduler.predictionType
    let betas = try NoiseSchedule(scheduler).betas.map(Double.init)
    var alphaBars: [Double] = []
    for beta in betas { alphaBars.append((alphaBars.last ?? 1) * (1 - beta)) }
    func betaTilde(_ t: Int) -> Double { betas[t] * (1 - alphaBars[t - 1]) / (1 - alphaBars[t]) }
    steps = betas.indices.map { t in
      let before = t == 0 ? 1 : alphaBars[t - 1]
      return Step(
        alpha: alphaBars[t].squareRoot(), sigma: (1 - alphaBars[t]).squareRoot(),
        meanFactor: before.squareRoot() * betas[t] / (1 - alphaBars[t]), logBeta: log(betas[t]),
        logBetaTilde: log(betas.count == 1 ? betas[0] : betaTilde(max(t, 1))))
    }
  }

  /// How many terms there are before the prior's, T.
  public var count: Int { steps.count }

  /// x̂₀ − x₀ from the difference of an output and its target, in which no digits cancel.
  public func pictureError(_ output: Tensor, _ target: Tensor, timesteps: [Int]) -> Tensor {
    let factors = timesteps.map { t -> Float in
      switch prediction {
      case .epsilon: Float(-steps[t].sigma / steps[t].alpha)
      case .sample: 1
      case .vPrediction: Float(-steps[t].sigma)
      case .flow: preconditionFailure("a flow has no variational bound")
      }
    }
    return .combination(perSample: factors, output, factors.map { -$0 }, target)
  }

  /// log Σ, of the shape of `pictures`; gradients reach `raw` of a learned range.
  ///
  /// - Parameters:
  ///   - raw: the network's second half, where it has one.
  ///   - pictures: says the shape.
  public func logVariance(_ variance: Variance, _ raw: Tensor?, like pictures: Tensor, timesteps: [Int])
    -> Tensor
  {
    func spread(_ values: [Double]) -> Tensor {
      let ones = Tensor.full(pictures.shape, 1)
      return .combination(perSample: values.map { Float($0) }, ones, values.map { _ in 0 }, ones)
    }
    let (high, low) = (timesteps.map { steps[$0].logBeta }, timesteps.map { steps[$0].logBetaTilde })
    func second() -> Tensor {
      guard let raw else { preconditionFailure("a learned variance without the network's second half") }
      return raw
    }
    switch variance {
    case .small: return spread(low)
    case .large: return spread(timesteps.map { $0 == 0 ? steps[0].logBetaTilde : steps[$0].logBeta })
    case .learned:
      // As little as diffusers lets a variance be.
      return Tensor(second().values.map { log(max($0, 1e-20)) }, shape: pictures.shape)
    case .learnedRange:
      let half = zip(high, low).map { Float(0.5 * ($0 - $1)) }
      let middle = zip(high, low).map { Float(0.5 * ($0 + $1)) }
      return .combination(perSample: half, second(), middle, .full(pictures.shape, 1))
    }
  }

  /// L_t of each sample at its own timestep, in bits a dimension: `[N]`. Its gradient reaches the variance alone.
  ///
  /// - Parameters:
  ///   - error: x̂₀ − x₀, `[N, C, H, W]`.
  ///   - x0: the pictures in [-1, 1].
  ///   - logVariance: log Σ.
  public func terms(error: Tensor, x0: Tensor, logVariance: Tensor, timesteps: [Int]) -> Tensor {
    let terms = timesteps.map { t in
      t == 0
        ? VariationalTerm.decoder
        : .divergence(meanFactor: steps[t].meanFactor, logVariance: steps[t].logBetaTilde)
    }
    return Float(1 / M_LN2) * variationalTerms(error: error, x0: x0, logVariance: logVariance, terms)
  }

  /// L_T = KL(q(x_T | x₀) ‖ N(0, 1)) of each picture, in bits a dimension. No network has a part in it.
  public func prior(_ x0: Tensor) -> [Double] {
    guard let last = steps.last else { return [] }
    let variance = last.sigma * last.sigma
    let size = x0.count / x0.shape[0]
    let values = x0.values
    return (0..<x0.shape[0]).map { n in
      let squares =
        values[n * size..<(n + 1) * size].reduce(0) { $0 + Double($1) * Double($1) } / Double(size)
      return 0.5 * (last.alpha * last.alpha * squares + variance - 1 - log(variance)) / M_LN2
    }
  }
}
