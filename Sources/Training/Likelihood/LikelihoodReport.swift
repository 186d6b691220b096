/// What pictures cost under a model, in bits a dimension.
public struct LikelihoodReport: Codable, Sendable, Equatable {
  /// The term of one timestep.
  public struct Term: Codable, Sendable, Equatable {
    /// Counted from 0, which is the decoder's.
    public let timestep: Int
    /// The mean of L_t over the pictures for which it was evaluated.
    public let bits: Double
    /// How many those are.
    public let evaluations: Int
  }

  /// How many pictures.
  public let pictures: Int
  /// The whole bound, the mean over the pictures.
  public let bitsPerDimension: Double
  /// How far that may be off, as the deviation of a mean of so many pictures.
  public let standardError: Double
  /// L_0, of 8-bit values given the least noise.
  public let decoder: Double
  /// L_1 + … + L_{T−1}.
  public let divergences: Double
  /// L_T, of the most noise.
  public let prior: Double
  /// Each timestep that was evaluated.
  public let terms: [Term]

  private enum CodingKeys: String, CodingKey {
    case pictures, decoder, divergences, prior, terms
    case bitsPerDimension = "bits_per_dimension"
    case standardError = "standard_error"
  }

  /// Sums on the way.
  struct Tally {
    var prior = 0.0
    var totals: [Double] = []
    private(set) var sums: [Double]
    private(set) var counts: [Int]

    init(timesteps: Int) {
      sums = Array(repeating: 0, count: timesteps)
      counts = Array(repeating: 0, count: timesteps)
    }

    mutating func add(_ bits: Double, at timestep: Int) {
      sums[timestep] += bits
      counts[timestep] += 1
    }
  }

  /// - Parameter strata: runs of timesteps of which each picture visited one; the first is the decoder's.
  init(_ tally: Tally, strata: [Range<Int>]) {
    let n = Double(tally.totals.count)
    pictures = tally.totals.count
    let mean = tally.totals.reduce(0, +) / n
    bitsPerDimension = mean
    let squares = tally.totals.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    standardError = tally.totals.count > 1 ? (squares / (n - 1) / n).squareRoot() : 0
    let sums = strata.map { run in Double(run.count) * run.reduce(0) { $0 + tally.sums[$1] } / n }
    decoder = sums[0]
    divergences = sums.dropFirst().reduce(0, +)
    prior = tally.prior / n
    terms = tally.counts.indices.compactMap { t in
      guard tally.counts[t] > 0 else { return nil }
      return Term(timestep: t, bits: tally.sums[t] / Double(tally.counts[t]), evaluations: tally.counts[t])
    }
  }
}
