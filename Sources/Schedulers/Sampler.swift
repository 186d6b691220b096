import Foundation
import TensorCore

/// One way from noise to a picture: a small value that knows what to ask the network and how to take each step.
///
/// It never sees a network. Noise is injected, and whatever history a method needs is its own state, so that a sampler
/// copied is a trajectory forked. A method that asks twice a step has two evaluations for it.
///
/// A trajectory may begin at any step: what a method knows of earlier steps is the length of its history, never the number of
/// the evaluation.
public protocol Sampler {
  /// What the network is asked, from noise to picture.
  var evaluations: [Evaluation] { get }
  /// The deviation of the noise that it starts from.
  var initialNoiseScale: Float { get }
  /// How many evaluations a step takes, the last perhaps fewer: diffusers' `order`.
  var evaluationsPerStep: Int { get }
  /// The evaluations that steps begin with.
  var stepStarts: [Int] { get }
  /// Whether the step that is being taken asks for more evaluations: then x is but what the network is to be shown next.
  var isWithinStep: Bool { get }
  /// The evaluations of a trajectory that begins with evaluation `i`, the first of a step.
  func visits(from i: Int) -> [Int]
  /// Whether noise is drawn after evaluation `i`.
  func needsNoise(_ i: Int) -> Bool
  /// Whether a step depends on `x` alone: no noise, nothing remembered, one evaluation. Such a step can be taken back.
  var isMemoryless: Bool { get }
  /// Whether a step adds its variance times `Denoised.gradient` to its mean; others are given predictions with the gradient
  /// in them.
  var guidesMeans: Bool { get }
  /// The picture to go on with after evaluation `i`.
  ///
  /// - Parameters:
  ///   - i: counted from 0.
  ///   - denoised: what the network said about `x`, with x₀ clipped.
  ///   - x: the picture that it was asked about.
  ///   - noise: standard normal, of x's shape, where `needsNoise(i)`.
  mutating func step(_ i: Int, _ denoised: Denoised, _ x: Tensor, noise: Tensor?) -> Tensor
}

extension Sampler {
  /// An evaluation, which knows its number.
  public func evaluation(_ i: Int) -> Evaluation {
    var evaluation = evaluations[i]
    evaluation.index = i
    return evaluation
  }

  /// Variance-preserving samplers start from unit noise.
  public var initialNoiseScale: Float { 1 }
  /// One, unless a sampler says otherwise.
  public var evaluationsPerStep: Int { 1 }
  /// Every evaluation is a step, unless a sampler says otherwise.
  public var stepStarts: [Int] { Array(stride(from: 0, to: evaluations.count, by: evaluationsPerStep)) }
  /// Every evaluation is a step, unless a sampler says otherwise.
  public var isWithinStep: Bool { false }
  /// All that follow, unless a sampler says otherwise.
  public func visits(from i: Int) -> [Int] { Array(i..<evaluations.count) }
  /// Unless a sampler says otherwise, it is not.
  public var isMemoryless: Bool { false }
  /// Predictions have it in them, unless a sampler says otherwise.
  public var guidesMeans: Bool { false }
  /// Deterministic unless a sampler says otherwise.
  public func needsNoise(_ i: Int) -> Bool { false }
}

extension SchedulerConfig {
  /// The sampler of this configuration's class.
  ///
  /// - Parameters:
  ///   - steps: how many.
  ///   - eta: DDIM's η, TCD's γ; others have none.
  /// - Throws: `SchedulerError`.
  public func sampler(steps: Int, eta: Float? = nil) throws(SchedulerError) -> any Sampler {
    try sampler(.count(steps), eta: eta)
  }

  /// The sampler of this configuration's class.
  ///
  /// - Parameters:
  ///   - visits: a number of steps, or where they are.
  ///   - eta: DDIM's η (0 by default), TCD's γ (0.3 by default); others have none.
  /// - Throws: `SchedulerError`.
  public func sampler(_ visits: Visits, eta: Float? = nil) throws(SchedulerError) -> any Sampler {
    try validate()
    switch className {
    case .ddpm:
      return DDPM(try NoiseSchedule(self), timesteps: try wholeTimesteps(visits), variance: varianceType)
    case .ddim:
      guard case .count(let steps) = visits else { throw countOnly }
      return DDIM(
        try NoiseSchedule(self), timesteps: try timesteps(steps), stride: numTrainTimesteps / steps,
        eta: eta ?? 0, setAlphaToOne: setAlphaToOne)
    case .pndm:
      guard case .count(let steps) = visits else { throw countOnly }
      guard skipPRKSteps || steps >= 4 else {
        throw SchedulerError(
          "begins with Runge–Kutta steps of four timesteps, more than \(steps); take 4 steps at least, or the sampler plms"
        )
      }
      return PNDM(
        try NoiseSchedule(self), timesteps: try timesteps(steps), stride: numTrainTimesteps / steps,
        skipsRungeKutta: skipPRKSteps, setAlphaToOne: setAlphaToOne, prediction: predictionType)
    case .lcm:
      return LCM(
        try NoiseSchedule(self), timesteps: try consistencyTimesteps(visits), timestepScaling: timestepScaling
      )
    case .tcd:
      return TCD(try NoiseSchedule(self), timesteps: try consistencyTimesteps(visits), gamma: eta ?? 0.3)
    case .euler:
      let table = try explodingTable(visits)
      var evaluations = table.explodingEvaluations()
      if timestepType == .continuous, predictionType == .vPrediction {
        evaluations = evaluations.map {
          Evaluation(timestep: 0.25 * logf($0.level.sigma), level: $0.level, inputScale: $0.inputScale)
        }
      }
      return Euler(evaluations, sigmas: table.sigmas, initialNoiseScale: table.initialScale(timestepSpacing))
    case .eulerAncestral:
      let table = try explodingTable(visits)
      return EulerAncestral(
        table.explodingEvaluations(), sigmas: table.sigmas,
        initialNoiseScale: table.initialScale(timestepSpacing))
    case .heun:
      let table = try explodingTable(visits)
      return Heun(
        table.explodingEvaluations(), sigmas: table.sigmas,
        initialNoiseScale: table.initialScale(timestepSpacing))
    case .lms:
      let table = try explodingTable(visits)
      return LMS(
        table.explodingEvaluations(), sigmas: table.sigmas,
        initialNoiseScale: table.initialScale(timestepSpacing))
    case .dpm2, .dpm2Ancestral:
      return DPM2(
        try explodingTable(visits), SigmaInterpolation(try NoiseSchedule(self)),
        isAncestral: className == .dpm2Ancestral, spacing: timestepSpacing)
    case .flowMatchEuler, .flowMatchHeun:
      let table = try flowTable(visits)
      let evaluations = table.timesteps.indices.map {
        Evaluation(timestep: table.timesteps[$0], level: .flow(table.sigmas[$0]))
      }
      return className == .flowMatchHeun
        ? Heun(evaluations, sigmas: table.sigmas, initialNoiseScale: 1)
        : Euler(evaluations, sigmas: table.sigmas, initialNoiseScale: 1, renewsNoise: stochasticSampling)
    case .edmEuler, .edmDPMSolver:
      let table = try preconditionedTable(visits)
      let evaluations = table.timesteps.indices.map { i in
        Evaluation(
          timestep: table.timesteps[i], level: .exploding(table.sigmas[i]),
          inputScale: 1 / (table.sigmas[i] * table.sigmas[i] + sigmaData * sigmaData).squareRoot())
      }
      let largest = Float(sigmaMax ?? 80)
      let scale = (largest * largest + 1).squareRoot()
      if className == .edmEuler {
        return Euler(evaluations, sigmas: table.sigmas, initialNoiseScale: scale)
      }
      return DPMSolverMultistep(
        evaluations, levels: table.sigmas.map { .exploding($0) }, self, initialNoiseScale: scale)
    case .dpmSolverMultistep, .dpmSolverSinglestep, .uniPC, .deis:
      let table = try solverTable(visits)
      let levels = table.sigmas.indices.map { table.level($0, flow: useFlowSigmas) }
      let evaluations = table.timesteps.indices.map {
        Evaluation(timestep: table.timesteps[$0], level: levels[$0])
      }
      switch className {
      case .dpmSolverSinglestep: return DPMSolverSinglestep(evaluations, levels: levels, self)
      case .uniPC: return UniPC(evaluations, levels: levels, self)
      case .deis:
        return DEIS(evaluations, levels: levels, order: solverOrder, lowerOrderFinal: lowerOrderFinal)
      default: return DPMSolverMultistep(evaluations, levels: levels, self)
      }
    }
  }

  private var countOnly: SchedulerError {
    SchedulerError("is of \(className.rawValue), which takes a number of steps and no list")
  }

  private func wholeTimesteps(_ visits: Visits) throws(SchedulerError) -> [Int] {
    switch visits {
    case .count(let steps): return try timesteps(steps)
    case .timesteps(let list): return try checked(list)
    case .sigmas: throw countOnly
    }
  }
}
