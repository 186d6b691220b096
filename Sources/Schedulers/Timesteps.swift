import Foundation

extension SchedulerConfig {
  /// The training timesteps that a run of `steps` visits, from noise to picture (Lin et al. 2023, table 2, with
  /// diffusers' rounding).
  ///
  /// - Throws: `SchedulerError` unless 1 ≤ steps ≤ num_train_timesteps.
  public func timesteps(_ steps: Int) throws(SchedulerError) -> [Int] {
    let total = numTrainTimesteps
    guard (1...total).contains(steps) else {
      throw SchedulerError("cannot take \(steps) steps; 1 to \(total) are possible")
    }
    switch timestepSpacing {
    case .linspace:
      // numpy's linspace: i · (T − 1)/(n − 1), the last exactly T − 1.
      let step = steps == 1 ? 0 : Double(total - 1) / Double(steps - 1)
      return (0..<steps).reversed().map { i in
        i == steps - 1 && steps > 1 ? total - 1 : Int((Double(i) * step).rounded(.toNearestOrEven))
      }
    case .leading:
      let ratio = total / steps
      let list = (0..<steps).reversed().map { $0 * ratio + stepsOffset }
      guard let first = list.first, first < total else {
        throw SchedulerError(
          "would begin at timestep \(list.first ?? 0) of \(total): steps_offset \(stepsOffset) is too large for "
            + "\(steps) steps")
      }
      return list
    case .trailing:
      let ratio = Double(total) / Double(steps)
      // numpy's arange may yield one value more than asked for through rounding; diffusers then visits −1, we do not.
      return (0..<steps).map { i in
        Int((Double(total) - Double(i) * ratio).rounded(.toNearestOrEven)) - 1
      }
    }
  }
}
