/// What a sampler visits, as a table for people and programs.
public struct ScheduleTable: Sendable {
  /// One step.
  public struct Row: Codable, Sendable, Equatable {
    /// Counted from 1, from noise to picture.
    public let step: Int
    /// Of the training schedule.
    public let timestep: Int
    /// β there.
    public let beta: Float
    /// ᾱ there: the share of the picture that is left.
    public let alphasCumprod: Float
    /// ᾱ/(1 − ᾱ).
    public let snr: Double

    private enum CodingKeys: String, CodingKey {
      case step, timestep, beta, snr
      case alphasCumprod = "alphas_cumprod"
    }
  }

  /// From noise to picture.
  public let rows: [Row]

  /// - Parameter steps: of the sampler.
  /// - Throws: `SchedulerError`.
  public init(_ config: SchedulerConfig, steps: Int) throws(SchedulerError) {
    let schedule = try NoiseSchedule(config)
    rows = try config.timesteps(steps).enumerated().map { i, t in
      Row(
        step: i + 1, timestep: t, beta: schedule.betas[t], alphasCumprod: schedule.alphasCumprod[t],
        snr: schedule.snr(t))
    }
  }
}
