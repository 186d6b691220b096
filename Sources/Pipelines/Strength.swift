import Schedulers

/// How much of a schedule a picture goes through: noised to the level that many steps from the end, denoised from there.
public struct Strength: Sendable, Equatable {
  /// What a number of steps counts.
  public enum StepsMode: String, Sendable, CaseIterable {
    /// Those that are taken.
    case taken
    /// Those of the whole schedule, of which the strength's share is taken, as in diffusers' pipelines.
    case diffusers
  }

  /// Steps of the whole schedule.
  public let total: Int
  /// Steps that are taken, the last ones; 0 where diffusers would take none.
  public let taken: Int
  let mode: StepsMode

  /// - Parameters:
  ///   - strength: the share of the schedule, above 0 and at most 1.
  ///   - steps: at least 1.
  ///   - mode: what `steps` counts.
  ///   - most: the most steps that the schedule has, which a small strength may run into; then fewer are taken.
  public init(_ strength: Double, steps: Int, mode: StepsMode, most: Int) {
    precondition(strength > 0 && strength <= 1 && steps > 0, "a strength of \(strength) in \(steps) steps")
    self.mode = mode
    switch mode {
    case .diffusers: (total, taken) = (steps, min(Int(Double(steps) * strength), steps))
    case .taken:
      total = max(steps, min(most, Int((Double(steps) / strength).rounded())))
      taken = min(steps, max(1, Int((Double(total) * strength).rounded())))
    }
  }

  /// The evaluations that are visited, of a sampler that takes `total` steps.
  public func route(_ sampler: any Sampler) -> Route {
    let skipped = total - taken
    if mode == .diffusers { return Route(sampler, fromEvaluation: skipped * sampler.evaluationsPerStep) }
    return Route(sampler, skipping: skippedSteps(sampler))
  }

  /// The same with RePaint's jumps; see `Route`.
  public func route(_ sampler: any Sampler, jumps length: Int, resamplings: Int) -> Route {
    Route(sampler, skipping: skippedSteps(sampler), jumps: length, resamplings: resamplings)
  }

  /// A method that takes several of the schedule's steps as one begins with the one that holds the first.
  private func skippedSteps(_ sampler: any Sampler) -> Int {
    let (starts, skipped) = (sampler.stepStarts, total - taken)
    return starts.count == total ? skipped : (starts.lastIndex { $0 <= skipped } ?? 0)
  }
}
