import Foundation

/// What a sampler is to visit.
public enum Visits: Sendable, Equatable {
  /// So many steps, spaced as the schedule says.
  case count(Int)
  /// These training timesteps, from noise to picture.
  case timesteps([Int])
  /// These noise levels, from noise to picture; the last, 0, is added where it is not given.
  case sigmas([Double])

  /// How many steps that is.
  public var steps: Int {
    switch self {
    case .count(let n): n
    case .timesteps(let list): list.count
    case .sigmas(let list): list.last == 0 ? list.count - 1 : list.count
    }
  }
}

extension SchedulerConfig {
  /// The most steps that can be taken.
  public var mostSteps: Int {
    className.keys.contains(.originalInferenceSteps) ? originalInferenceSteps : numTrainTimesteps
  }

  /// The training timesteps that DDPM or DDIM visits in `steps` steps, from noise to picture (Lin et al. 2023, table 2,
  /// with diffusers' rounding).
  ///
  /// - Throws: `SchedulerError` unless 1 ≤ steps ≤ num_train_timesteps.
  public func timesteps(_ steps: Int) throws(SchedulerError) -> [Int] {
    let total = numTrainTimesteps
    try requireStepCount(steps)
    switch timestepSpacing {
    case .linspace:
      return TimestepSpacing.evenly(to: total - 1, steps).reversed().map { Int($0.rounded(.toNearestOrEven)) }
    case .leading:
      let list = (0..<steps).reversed().map { $0 * (total / steps) + stepsOffset }
      try requireInside(list, steps)
      return list
    case .trailing: return TimestepSpacing.trailing(from: total, by: Double(total) / Double(steps), steps)
    }
  }

  /// - Throws: `SchedulerError` unless 1 ≤ steps ≤ num_train_timesteps.
  func requireStepCount(_ steps: Int) throws(SchedulerError) {
    guard (1...numTrainTimesteps).contains(steps) else {
      throw SchedulerError("cannot take \(steps) steps; 1 to \(numTrainTimesteps) are possible")
    }
  }

  func requireInside(_ timesteps: [Int], _ steps: Int) throws(SchedulerError) {
    if let first = timesteps.first, first >= numTrainTimesteps {
      throw SchedulerError(
        "would begin at timestep \(first) of \(numTrainTimesteps): steps_offset \(stepsOffset) is too large for \(steps) steps"
      )
    }
  }

  /// Timesteps given by hand: descending, inside the schedule, and not beside another rule of where steps lie.
  func checked(_ list: [Int]) throws(SchedulerError) -> [Int] {
    guard !list.isEmpty, list.allSatisfy((0..<numTrainTimesteps).contains) else {
      throw SchedulerError("was given timesteps outside 0 to \(numTrainTimesteps - 1)")
    }
    guard zip(list, list.dropFirst()).allSatisfy({ $0 > $1 }) else {
      throw SchedulerError("was given timesteps that do not descend")
    }
    guard timestepSpacing != .trailing else {
      throw SchedulerError("was given timesteps beside timestep_spacing 'trailing'; only one can hold")
    }
    if [useKarrasSigmas, useExponentialSigmas, useBetaSigmas, useLuLambdas, useFlowSigmas].contains(true) {
      throw SchedulerError("was given timesteps beside its own spacing of noise levels; only one can hold")
    }
    return list
  }
}

extension SchedulerConfig.TimestepSpacing {
  /// numpy's linspace from 0: i · last/(n − 1), the last exact; 0 for one.
  static func evenly(to last: Int, _ count: Int) -> [Double] {
    let step = count == 1 ? 0 : Double(last) / Double(count - 1)
    return (0..<count).map { $0 == count - 1 && count > 1 ? Double(last) : Double($0) * step }
  }

  /// numpy's arange from `total` down, rounded, less one. Its step is what is left of `ratio` after a subtraction, which
  /// moves some values across a half. For some counts rounding also gives arange one value more than asked for, and
  /// diffusers then visits timestep −1, the noisiest, last; here that visit is left out.
  static func trailing(from total: Int, by ratio: Double, _ count: Int) -> [Int] {
    let delta = (Double(total) - ratio) - Double(total)
    return (0..<count).map { i in Int((Double(total) + Double(i) * delta).rounded(.toNearestOrEven)) - 1 }
  }
}
