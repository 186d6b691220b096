import Foundation

/// The noise levels of a sampler that works on σ, and what the network is told at each.
struct SigmaTable {
  /// One a step, from noise to picture.
  var timesteps: [Float]
  /// One more than there are steps.
  var sigmas: [Float]

  /// √(largest² + 1) or the largest: the deviation that variance-exploding samplers start from.
  func initialScale(_ spacing: SchedulerConfig.TimestepSpacing) -> Float {
    let largest = sigmas.max() ?? 0
    return spacing == .leading ? (largest * largest + 1).squareRoot() : largest
  }

  /// A step's level by the kind of noise.
  func level(_ i: Int, flow: Bool) -> NoiseLevel { flow ? .flow(sigmas[i]) : NoiseLevel(ratio: sigmas[i]) }

  /// The network's calls of a method with one a step, on x₀ + σ·ε scaled down for the network.
  func explodingEvaluations() -> [Evaluation] {
    timesteps.indices.map { .exploding(timestep: timesteps[$0], sigma: sigmas[$0]) }
  }
}

extension Evaluation {
  /// x₀ + σ·ε, shown as the variance-preserving picture of the same ratio.
  static func exploding(timestep: Float, sigma: Float) -> Evaluation {
    Evaluation(
      timestep: timestep, level: .exploding(sigma), inputScale: 1 / (sigma * sigma + 1).squareRoot())
  }
}

extension SchedulerConfig {
  /// The levels of the Euler, Heun, LMS and DPM2 family: one a timestep, with 0 (or the smallest) at the end.
  func explodingTable(_ visits: Visits) throws(SchedulerError) -> SigmaTable {
    let training = SigmaInterpolation(try NoiseSchedule(self))
    var (timesteps, sigmas): ([Double], [Double])
    switch visits {
    case .sigmas(let list):
      guard className == .euler else { throw takesNo("list of sigmas") }
      sigmas = try descending(list)
      timesteps = sigmas.map { training.timestep(of: $0) }
      return table(timesteps, sigmas, last: 0)
    case .timesteps(let list):
      guard className == .euler || className == .heun else { throw takesNo("list of timesteps") }
      timesteps = try checked(list).map(Double.init)
    case .count(let steps): timesteps = try fractionalTimesteps(steps)
    }
    let count = timesteps.count
    if interpolationType == .logLinear, className == .euler, !useKarrasSigmas, !useExponentialSigmas,
      !useBetaSigmas
    {
      // diffusers spaces one level more than there are steps, so that the last step ends at the smallest and not at 0.
      let (low, high) = (logf(training.sigmas[0]), logf(training.sigmas[training.sigmas.count - 1]))
      let levels = SigmaSpacing.ramp(count + 1).map { expf(high + Float($0) * (low - high)) }
      return SigmaTable(timesteps: timesteps.map { Float($0) }, sigmas: levels)
    }
    sigmas = timesteps.map { training.sigma(at: $0) }
    if let spaced = spaced(sigmas[0], sigmas[count - 1], count) {
      sigmas = spaced
      timesteps = sigmas.map { training.timestep(of: $0) }
      if useKarrasSigmas, className == .dpm2 || className == .dpm2Ancestral {
        timesteps = timesteps.map { $0.rounded(.toNearestOrEven) }
      }
    }
    return table(timesteps, sigmas, last: finalSigmasType == .smallest ? Double(training.sigmas[0]) : 0)
  }

  /// The levels of the DPM-Solver family: whole timesteps, their spacing leaving out the last.
  func solverTable(_ visits: Visits) throws(SchedulerError) -> SigmaTable {
    let schedule = try NoiseSchedule(self)
    let training = SigmaInterpolation(schedule)
    let count = visits.steps
    var timesteps: [Double]
    switch visits {
    case .sigmas: throw takesNo("list of sigmas")
    case .timesteps(let list):
      guard className == .dpmSolverMultistep || className == .dpmSolverSinglestep else {
        throw takesNo("list of timesteps")
      }
      timesteps = try checked(list).map(Double.init)
    case .count: timesteps = try solverTimesteps(count, schedule).map(Double.init)
    }
    var sigmas: [Double]
    var last = finalSigmasType == .smallest || className == .deis ? Double(training.sigmas[0]) : 0
    let (low, high) = (Double(training.sigmas[0]), Double(training.sigmas[training.sigmas.count - 1]))
    if useLuLambdas {
      // diffusers raises the logarithms to ρ = 1, which keeps their signs.
      let ramp = SigmaSpacing.ramp(count)
      sigmas = ramp.map { exp(log(high) + $0 * (log(low) - log(high))) }
      timesteps = sigmas.map { training.timestep(of: $0) }
      if betaSchedule != .squaredcosCapV2 { timesteps = timesteps.map { $0.rounded(.toNearestOrEven) } }
    } else if let spaced = spaced(high, low, count) {
      sigmas = spaced
      timesteps = sigmas.map { training.timestep(of: $0) }
      if useKarrasSigmas, className != .dpmSolverMultistep || betaSchedule != .squaredcosCapV2 {
        timesteps = timesteps.map { $0.rounded(.toNearestOrEven) }
      }
      if useKarrasSigmas, useFlowSigmas, className == .uniPC {
        sigmas = sigmas.map { $0 / ($0 + 1) }
        timesteps = sigmas.map { $0 * Double(numTrainTimesteps) }
      }
      if className == .deis || (className == .uniPC && finalSigmasType == .smallest) {
        last = sigmas[count - 1]
      }
    } else if useFlowSigmas {
      sigmas = flowSigmas(count)
      timesteps = sigmas.map { $0 * Double(numTrainTimesteps) }
      if className == .deis || (className == .uniPC && finalSigmasType == .smallest) {
        last = sigmas[count - 1]
      }
    } else {
      sigmas = timesteps.map { training.sigma(at: $0) }
    }
    // The network of this family is told whole timesteps.
    return table(timesteps.map { $0.rounded(.towardZero) }, sigmas, last: last)
  }

  /// The levels of the flow-matching classes.
  func flowTable(_ visits: Visits) throws(SchedulerError) -> SigmaTable {
    let total = Double(numTrainTimesteps)
    var sigmas: [Double]
    var given: [Double]?
    switch visits {
    case .count(let steps):
      try requireStepCount(steps)
      // As diffusers has it, the ends are shifted once when the scheduler is made and again here.
      let (first, last) = (SigmaSpacing.shifted(1, by: shift), SigmaSpacing.shifted(1 / total, by: shift))
      sigmas = SigmaSpacing.ramp(steps).map {
        Double(Float(first)) + $0 * (Double(Float(last)) - Double(Float(first)))
      }
    case .timesteps(let list):
      guard className == .flowMatchEuler else { throw takesNo("list of timesteps") }
      sigmas = try checked(list).map { Double($0) / total }
      given = list.map(Double.init)
    case .sigmas(let list):
      guard className == .flowMatchEuler else { throw takesNo("list of sigmas") }
      sigmas = try descending(list)
    }
    sigmas = sigmas.map { SigmaSpacing.shifted($0, by: shift) }
    if let spaced = spaced(sigmas[0], sigmas[sigmas.count - 1], sigmas.count) { sigmas = spaced }
    let rounded = sigmas.map { Float($0) }
    return SigmaTable(
      timesteps: given?.map { Float($0) } ?? rounded.map { $0 * Float(numTrainTimesteps) },
      sigmas: rounded + [0])
  }

  /// EDM's levels (Karras et al. 2022), at which the network is told log(σ)/4.
  func preconditionedTable(_ visits: Visits) throws(SchedulerError) -> SigmaTable {
    guard case .count(let steps) = visits else { throw takesNo("list") }
    try requireStepCount(steps)
    let (low, high) = (sigmaMin ?? 0.002, sigmaMax ?? 80)
    let sigmas =
      sigmaSchedule == .karras
      ? SigmaSpacing.karras(high, low, steps, rho: rho) : SigmaSpacing.exponential(high, low, steps)
    let last = finalSigmasType == .zero ? 0 : className == .edmEuler ? sigmas[steps - 1] : low
    let all = (sigmas + [last]).map { Float($0) }
    return SigmaTable(timesteps: all.dropLast().map { 0.25 * logf($0) }, sigmas: all)
  }

  private func takesNo(_ what: String) -> SchedulerError {
    SchedulerError("is of \(className.rawValue), which takes a number of steps and no \(what)")
  }

  private func table(_ timesteps: [Double], _ sigmas: [Double], last: Double) -> SigmaTable {
    SigmaTable(timesteps: timesteps.map { Float($0) }, sigmas: (sigmas + [last]).map { Float($0) })
  }

  private func descending(_ list: [Double]) throws(SchedulerError) -> [Double] {
    let list = list.last == 0 ? Array(list.dropLast()) : list
    guard !list.isEmpty, list.allSatisfy({ $0 > 0 && $0.isFinite }),
      zip(list, list.dropFirst()).allSatisfy({ $0 > $1 })
    else { throw SchedulerError("was given sigmas that are not positive and descending") }
    if [useKarrasSigmas, useExponentialSigmas, useBetaSigmas].contains(true) {
      throw SchedulerError("was given sigmas beside its own spacing of noise levels; only one can hold")
    }
    return list
  }

  /// Levels by one of the three ways between the ends, which the configuration may name itself; nil where none is asked for.
  private func spaced(_ largest: Double, _ smallest: Double, _ count: Int) -> [Double]? {
    // LMS's Karras spacing knows no ends by hand.
    let (high, low) =
      className == .lms && useKarrasSigmas ? (largest, smallest) : (sigmaMax ?? largest, sigmaMin ?? smallest)
    if useKarrasSigmas { return SigmaSpacing.karras(high, low, count) }
    if useExponentialSigmas { return SigmaSpacing.exponential(high, low, count) }
    if useBetaSigmas { return SigmaSpacing.beta(high, low, count) }
    return nil
  }

  private func flowSigmas(_ count: Int) -> [Double] {
    let smallest = 1 / Double(numTrainTimesteps)
    let even = SigmaSpacing.ramp(count + 1).map { 1 + $0 * (smallest - 1) }
    if className == .uniPC {
      var sigmas = even.dropLast().map { SigmaSpacing.shifted($0, by: flowShift) }
      // diffusers keeps the first off 1, where λ is infinite.
      if abs(sigmas[0] - 1) < 1e-6 { sigmas[0] -= 1e-6 }
      return sigmas
    }
    // The others count the picture's share from 1 down, so σ ends where theirs begins.
    return even.map { SigmaSpacing.shifted(1 - $0, by: flowShift) }.reversed().dropLast()
  }

  private func fractionalTimesteps(_ steps: Int) throws(SchedulerError) -> [Double] {
    let total = numTrainTimesteps
    try requireStepCount(steps)
    switch timestepSpacing {
    case .linspace: return TimestepSpacing.evenly(to: total - 1, steps).reversed().map { Double(Float($0)) }
    case .leading, .trailing: return try timesteps(steps).map(Double.init)
    }
  }

  private func solverTimesteps(_ steps: Int, _ schedule: NoiseSchedule) throws(SchedulerError) -> [Int] {
    let total = numTrainTimesteps
    try requireStepCount(steps)
    let clipped = schedule.alphasCumprod.count { NoiseLevel(alphaCumprod: $0).lambda < lambdaMinClipped }
    let last = total - clipped
    func even() -> [Int] {
      TimestepSpacing.evenly(to: last - 1, steps + 1).map { Int($0.rounded(.toNearestOrEven)) }.reversed()
        .dropLast()
    }
    if className == .dpmSolverSinglestep { return even() }
    switch timestepSpacing {
    case .linspace: return even()
    case .leading:
      let list = (1...steps).reversed().map { $0 * (last / (steps + 1)) + stepsOffset }
      try requireInside(list, steps)
      return list
    case .trailing: return TimestepSpacing.trailing(from: last, by: Double(total) / Double(steps), steps)
    }
  }
}
