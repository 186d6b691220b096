import Foundation

/// Samplers by the short names that people use, to be put in place of a model's own.
public enum SamplerNames {
  /// A sampler and its settings.
  public struct Named: Sendable {
    /// Such as `dpmpp-2m`.
    public let name: String
    let className: SchedulerConfig.ClassName
    let change: @Sendable (inout SchedulerConfig) -> Void
  }

  /// All of them.
  public static let all: [Named] = [
    named("ddpm", .ddpm), named("ddim", .ddim), named("pndm", .pndm),
    named("plms", .pndm) { $0.skipPRKSteps = true },
    named("euler", .euler), named("euler-a", .eulerAncestral), named("heun", .heun), named("lms", .lms),
    named("dpm2", .dpm2), named("dpm2-a", .dpm2Ancestral),
    named("dpmpp-2m", .dpmSolverMultistep),
    named("dpmpp-3m", .dpmSolverMultistep) { $0.solverOrder = 3 },
    named("dpmpp-3m-taylor", .dpmSolverMultistep) { ($0.solverOrder, $0.solverType) = (3, .taylor) },
    named("dpmpp-2m-sde", .dpmSolverMultistep) { $0.algorithmType = .sdeDPMSolverPlusPlus },
    named("dpmpp-2m-karras", .dpmSolverMultistep) { $0.useKarrasSigmas = true },
    named("dpmpp-2s", .dpmSolverSinglestep), named("dpmpp-3s", .dpmSolverSinglestep) { $0.solverOrder = 3 },
    named("unipc", .uniPC), named("deis", .deis), named("lcm", .lcm), named("tcd", .tcd),
    named("edm-euler", .edmEuler), named("edm-dpmpp-2m", .edmDPMSolver),
    named("flow-euler", .flowMatchEuler), named("flow-heun", .flowMatchHeun),
  ]

  /// Their names, for messages.
  public static var list: String { all.map(\.name).joined(separator: ", ") }

  /// The class of a sampler by its short name, or of a schedule by its name, file or folder.
  ///
  /// - Throws: `SchedulerError` where `text` is none of these.
  public static func className(of text: String) throws -> SchedulerConfig.ClassName {
    try find(text)?.className ?? Presets.resolve(text, orOneOf: list).className
  }

  private static func named(
    _ name: String, _ className: SchedulerConfig.ClassName,
    _ change: @escaping @Sendable (inout SchedulerConfig) -> Void = { _ in }
  ) -> Named {
    Named(name: name, className: className, change: change)
  }
}

extension SchedulerConfig {
  /// The short name of this configuration's sampler.
  public var samplerName: String {
    let own = SamplerNames.all.filter { $0.className == className }
    let exact = own.last { named in
      var changed = self
      named.change(&changed)
      return changed == self
    }
    return (exact ?? own.first)?.name ?? className.rawValue
  }

  /// The same noise and prediction under another sampler.
  ///
  /// - Parameter sampler: a short name, a schedule's name, a `scheduler_config.json`, or a model's folder.
  /// - Throws: `SchedulerError` where the two do not go together.
  public func under(_ sampler: String) throws -> SchedulerConfig {
    if let named = SamplerNames.find(sampler) {
      var config = with(named.className)
      named.change(&config)
      return try compatible(config, sampler)
    }
    var config = try Presets.resolve(sampler, orOneOf: SamplerNames.list)
    let noise: Set<Key> = [
      .numTrainTimesteps, .betaStart, .betaEnd, .betaSchedule, .trainedBetas, .rescaleBetasZeroSNR,
    ]
    for field in Self.fields where noise.contains(field.key) && className.keys.contains(field.key) {
      field.copy(self, &config)
    }
    return try compatible(config, sampler)
  }

  /// The schedule under which a model of this configuration's prediction is sampled in place of its own.
  ///
  /// - Throws: `SchedulerError` where the two do not go together.
  public func replaced(by schedule: String) throws -> SchedulerConfig {
    try compatible(try Presets.resolve(schedule), schedule)
  }

  private func compatible(_ other: SchedulerConfig, _ name: String) throws -> SchedulerConfig {
    var other = other
    // What the network predicts is the model's own affair.
    other.predictionType = predictionType
    if predictionType == .flow {
      let own = className.keys.contains(.shift) ? shift : flowShift
      other.useFlowSigmas = other.className.keys.contains(.useFlowSigmas)
      if other.className.keys.contains(.shift) { other.shift = own } else { other.flowShift = own }
    }
    guard isPreconditioned == other.isPreconditioned else {
      throw SchedulerError(
        file: "'\(name)'",
        other.isPreconditioned
          ? "is for networks with EDM's preconditioning, which this model has not"
          : "is not for networks with EDM's preconditioning, which this model has")
    }
    do throws(SchedulerError) { try other.validate() } catch {
      var error = error
      error.file = "'\(name)' for this model"
      throw error
    }
    return other
  }
}
