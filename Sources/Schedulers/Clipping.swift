import TensorCore

/// What is done to a predicted x₀ that leaves the range of pictures.
public enum Clipping: Sendable, Equatable {
  case none
  /// To ±range.
  case fixed(Float)
  /// To a quantile of each picture's magnitudes, at least 1 and at most `maximum`, then divided by it (Imagen: Saharia
  /// et al. 2022, section 2.3).
  case dynamic(ratio: Double, maximum: Float)

  /// What a configuration asks for, as far as diffusers' class does it.
  public init(_ config: SchedulerConfig) {
    let keys = config.className.keys
    if config.thresholding, keys.contains(.thresholding), config.className != .tcd,
      config.className != .uniPC || config.predictX0
    {
      self = .dynamic(ratio: config.dynamicThresholdingRatio, maximum: config.sampleMaxValue)
    } else if config.clipSample, keys.contains(.clipSample), config.className != .tcd {
      self = .fixed(config.clipSampleRange)
    } else {
      self = .none
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
