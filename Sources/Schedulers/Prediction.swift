import TensorCore

/// What a network's output says about a noisy picture x = √ᾱ·x₀ + √(1 − ᾱ)·ε.
public struct Denoised {
  /// The clean picture x₀.
  public var x0: Tensor
  /// The noise ε.
  public var epsilon: Tensor
}

extension SchedulerConfig.PredictionType {
  /// Both sides of the output of a network of this kind, given the noisy picture `x` at ᾱ.
  public func denoised(_ output: Tensor, _ x: Tensor, alphaCumprod: Float) -> Denoised {
    let alpha = alphaCumprod.squareRoot()
    let sigma = (1 - alphaCumprod).squareRoot()
    switch self {
    case .epsilon:
      return Denoised(x0: .combination([(1 / alpha, x), (-sigma / alpha, output)]), epsilon: output)
    case .sample:
      return Denoised(x0: output, epsilon: .combination([(1 / sigma, x), (-alpha / sigma, output)]))
    case .vPrediction:
      return Denoised(
        x0: .combination([(alpha, x), (-sigma, output)]),
        epsilon: .combination([(alpha, output), (sigma, x)]))
    }
  }

  /// What a network of this kind is trained to give for pictures `x0` noised with `noise` at each sample's ᾱ.
  public func target(x0: Tensor, noise: Tensor, alphasCumprod: [Float]) -> Tensor {
    switch self {
    case .epsilon: noise
    case .sample: x0
    case .vPrediction:
      .combination(
        perSample: alphasCumprod.map { $0.squareRoot() }, noise, alphasCumprod.map { -(1 - $0).squareRoot() },
        x0)
    }
  }
}

extension NoiseSchedule {
  /// √ᾱ·x₀ + √(1 − ᾱ)·noise, each sample at its own timestep (Ho et al. 2020, equation 4).
  public func addNoise(_ x0: Tensor, _ noise: Tensor, timesteps: [Int]) -> Tensor {
    let alphas = timesteps.map { alphasCumprod[$0] }
    return .combination(
      perSample: alphas.map { $0.squareRoot() }, x0, alphas.map { (1 - $0).squareRoot() }, noise)
  }
}

/// What is done to a predicted x₀ that leaves the range of pictures.
public enum Clipping: Sendable, Equatable {
  case none
  /// To ±range.
  case fixed(Float)
  /// To a quantile of each picture's magnitudes, at least 1 and at most `maximum`, then divided by it (Imagen: Saharia
  /// et al. 2022, section 2.3).
  case dynamic(ratio: Double, maximum: Float)

  /// What a configuration asks for.
  public init(_ config: SchedulerConfig) {
    if config.thresholding {
      self = .dynamic(ratio: config.dynamicThresholdingRatio, maximum: config.sampleMaxValue)
    } else {
      self = config.clipSample ? .fixed(config.clipSampleRange) : .none
    }
  }

  /// [N, ...] → [N, ...]
  public func callAsFunction(_ x0: Tensor) -> Tensor {
    switch self {
    case .none: return x0
    case .fixed(let range): return x0.clamped(-range, range)
    case .dynamic(let ratio, let maximum):
      return .stacked(
        (0..<x0.shape[0]).map { n in
          let picture = x0.rows(n..<n + 1)
          // torch.clamp(min: 1, max: maximum): where they cross, the maximum wins.
          let s = min(max(Self.quantile(picture.values.map(abs), ratio), 1), maximum)
          return 1 / s * picture.clamped(-s, s)
        })
    }
  }

  /// Interpolated linearly between neighbours, as torch.quantile.
  private static func quantile(_ values: [Float], _ q: Double) -> Float {
    let sorted = values.sorted()
    let position = q * Double(sorted.count - 1)
    let low = Int(position)
    let high = min(low + 1, sorted.count - 1)
    return sorted[low] + Float(position - Double(low)) * (sorted[high] - sorted[low])
  }
}
