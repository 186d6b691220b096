/// What a sampler visits, as a table for people and programs.
public struct ScheduleTable: Sendable {
  /// One step.
  public struct Row: Codable, Sendable, Equatable {
    /// Counted from 1, from noise to picture.
    public let step: Int
    /// What the network is told: a training timestep, or what lies between two.
    public let timestep: Float
    /// β there; nil where there is no table of β or it lies between.
    public let beta: Float?
    /// ᾱ there: the share of the picture that is left.
    public let alphasCumprod: Float
    /// The noise's deviation beside a picture of deviation 1: √((1 − ᾱ)/ᾱ), or a flow's σ.
    public let sigma: Float
    /// The signal-to-noise ratio.
    public let snr: Double

    private enum CodingKeys: String, CodingKey {
      case step, timestep, beta, sigma, snr
      case alphasCumprod = "alphas_cumprod"
    }
  }

  /// From noise to picture.
  public let rows: [Row]

  /// - Parameter visits: a number of steps, or where they are.
  /// - Throws: `SchedulerError`.
  public init(_ config: SchedulerConfig, _ visits: Visits) throws(SchedulerError) {
    let betas = config.className.keys.contains(.betaSchedule) ? try NoiseSchedule(config).betas : []
    rows = try config.sampler(visits).evaluations.enumerated().map { i, evaluation in
      let (t, level) = (evaluation.timestep, evaluation.level)
      let isTrained = t == t.rounded() && betas.indices.contains(Int(t))
      return Row(
        step: i + 1, timestep: t, beta: isTrained ? betas[Int(t)] : nil, alphasCumprod: level.alphaCumprod,
        sigma: config.isFlow ? level.sigma : level.sigma / level.alpha, snr: level.snr)
    }
  }
}
