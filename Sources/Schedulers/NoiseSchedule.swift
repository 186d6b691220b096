import Foundation

/// How much noise each training timestep has: βₜ, and ᾱₜ = Π (1 − βₛ), the share of the picture that is left
/// (Ho et al. 2020, equation 4). In the precision of PyTorch's tables, f32.
public struct NoiseSchedule: Sendable, Equatable {
  /// βₜ for t = 0 ..< T.
  public let betas: [Float]
  /// ᾱₜ for t = 0 ..< T.
  public let alphasCumprod: [Float]

  /// How many timesteps, T.
  public var count: Int { betas.count }

  /// The tables of a configuration.
  ///
  /// - Throws: `SchedulerError` where it is impossible.
  public init(_ config: SchedulerConfig) throws(SchedulerError) {
    try config.validate()
    let steps = config.numTrainTimesteps
    let (start, end) = (config.betaStart, config.betaEnd)
    var betas: [Float]
    if let trained = config.trainedBetas {
      betas = trained.map { Float($0) }
    } else {
      switch config.betaSchedule {
      case .linear: betas = Self.linspace(start, end, steps)
      case .scaledLinear: betas = Self.linspace(start.squareRoot(), end.squareRoot(), steps).map { $0 * $0 }
      case .squaredcosCapV2: betas = Self.squaredCosine(steps)
      case .exp: betas = Self.exponential(steps)
      case .sigmoid:
        betas = Self.linspace(-6, 6, steps).map { 1 / (1 + expf(-$0)) * Float(end - start) + Float(start) }
      }
    }
    if config.rescaleBetasZeroSNR { betas = Self.rescaledToZeroTerminalSNR(betas) }
    self.betas = betas
    var alphasCumprod = Self.cumulativeProduct(betas.map { 1 - $0 })
    if config.rescaleBetasZeroSNR, config.className.endsNearZeroSNR { alphasCumprod[steps - 1] = 0x1p-24 }
    self.alphasCumprod = alphasCumprod
  }

  /// The signal-to-noise ratio ᾱ/(1 − ᾱ) at timestep `t`.
  public func snr(_ t: Int) -> Double {
    Double(alphasCumprod[t]) / (1 - Double(alphasCumprod[t]))
  }

  /// As torch.linspace in f32: counted from the nearer end, with fused multiply-add.
  private static func linspace(_ start: Double, _ end: Double, _ count: Int) -> [Float] {
    let (start, end) = (Float(start), Float(end))
    if count == 1 { return [start] }
    let step = (end - start) / Float(count - 1)
    return (0..<count).map { i in
      i < count / 2 ? start.addingProduct(step, Float(i)) : end.addingProduct(-step, Float(count - 1 - i))
    }
  }

  /// ᾱ(t) = cos²((t + 0.008)/1.008 · π/2) (Nichol & Dhariwal 2021, equation 17).
  private static func squaredCosine(_ count: Int) -> [Float] {
    betas(count) { pow(cos(($0 + 0.008) / 1.008 * Double.pi / 2), 2) }
  }

  private static func exponential(_ count: Int) -> [Float] { betas(count) { exp($0 * -12) } }

  /// β of an ᾱ given over 0 … 1, each at most 0.999.
  private static func betas(_ count: Int, _ alphaBar: (Double) -> Double) -> [Float] {
    (0..<count).map { i in
      let ratio = alphaBar(Double(i + 1) / Double(count)) / alphaBar(Double(i) / Double(count))
      return Float(min(1 - ratio, 0.999))
    }
  }

  /// Shifts and scales √ᾱ so that the last is 0 and the first as before (Lin et al. 2023, algorithm 1).
  private static func rescaledToZeroTerminalSNR(_ betas: [Float]) -> [Float] {
    var roots = cumulativeProduct(betas.map { 1 - $0 }).map { $0.squareRoot() }
    let (first, last) = (roots[0], roots[roots.count - 1])
    roots = roots.map { ($0 - last) * (first / (first - last)) }
    let alphaBars = roots.map { $0 * $0 }
    return alphaBars.indices.map { 1 - (alphaBars[$0] / ($0 == 0 ? 1 : alphaBars[$0 - 1])) }
  }

  /// As torch.cumprod: each rounded to f32, from a product kept in double.
  private static func cumulativeProduct(_ values: [Float]) -> [Float] {
    var product = 1.0
    return values.map {
      product *= Double($0)
      return Float(product)
    }
  }
}
