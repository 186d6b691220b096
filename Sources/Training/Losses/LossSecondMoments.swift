/// Which timestep each example is trained at, and with which weight.
public struct TimestepDistribution: Sendable, Equatable {
  /// The share of each timestep.
  public let shares: [Double]
  private let cumulative: [Double]

  /// - Parameter weights: one a timestep, not negative, in any scale.
  public init(weights: [Double]) {
    let total = weights.reduce(0, +)
    shares = weights.map { $0 / total }
    var sum = 0.0
    cumulative = shares.map {
      sum += $0
      return sum
    }
  }

  /// The timestep at which the shares add up to `uniform`, in [0, 1), and 1/(T·share), which takes the bias out of a mean
  /// over draws.
  public func draw(_ uniform: Float) -> (timestep: Int, weight: Float) {
    var (low, high) = (0, cumulative.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if cumulative[middle] > Double(uniform) { high = middle } else { low = middle + 1 }
    }
    return (low, Float(1 / (Double(shares.count) * shares[low])))
  }
}

/// The last losses of each timestep, by whose root mean square the next timesteps are drawn, so that each draw's loss varies
/// less (Nichol & Dhariwal 2021, section 3.3, equation 18).
public struct LossSecondMoments: Sendable, Equatable {
  /// How many losses of a timestep are remembered.
  public static let historyLength = 10
  /// The share of draws that are uniform, so that no timestep is forgotten.
  public static let uniformShare = 0.001

  /// [T, 10], the oldest first; zeros where there was none yet.
  public private(set) var losses: [Float]
  /// How many losses of each timestep there were, up to 10.
  public private(set) var counts: [Int]

  /// No loss seen.
  public init(timesteps: Int) {
    losses = Array(repeating: 0, count: timesteps * Self.historyLength)
    counts = Array(repeating: 0, count: timesteps)
  }

  /// As a stopped run left it.
  ///
  /// - Parameters:
  ///   - losses: [T, 10].
  ///   - counts: T of them.
  public init?(losses: [Float], counts: [Int]) {
    guard losses.count == counts.count * Self.historyLength,
      counts.allSatisfy({ (0...Self.historyLength).contains($0) })
    else { return nil }
    (self.losses, self.counts) = (losses, counts)
  }

  /// Remembers the loss of each example at its timestep, in order.
  public mutating func record(_ timesteps: [Int], _ values: [Float]) {
    let length = Self.historyLength
    for (t, value) in zip(timesteps, values) {
      if counts[t] == length {
        for i in t * length..<(t + 1) * length - 1 { losses[i] = losses[i + 1] }
        losses[(t + 1) * length - 1] = value
      } else {
        losses[t * length + counts[t]] = value
        counts[t] += 1
      }
    }
  }

  /// In proportion to √(E[L²]); nil, for uniform, until every timestep has all its losses.
  public var distribution: TimestepDistribution? {
    guard counts.allSatisfy({ $0 == Self.historyLength }) else { return nil }
    let roots = counts.indices.map { t in
      let history = losses[t * Self.historyLength..<(t + 1) * Self.historyLength]
      return (history.reduce(0) { $0 + Double($1) * Double($1) } / Double(Self.historyLength)).squareRoot()
    }
    let total = roots.reduce(0, +)
    guard total > 0, total.isFinite else { return nil }
    return TimestepDistribution(
      weights: roots.map {
        $0 / total * (1 - Self.uniformShare) + Self.uniformShare / Double(roots.count)
      })
  }
}
