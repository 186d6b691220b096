import Foundation

/// The named schedules, the same as the files in the repository's `schedules/`; built in, so that the binary needs
/// nothing beside it.
public enum Presets {
  /// A schedule and when to choose it.
  public struct Preset: Sendable {
    /// Such as `ddpm-linear-1000`.
    public let name: String
    /// One line.
    public let summary: String
    /// What it stands for.
    public let config: SchedulerConfig
  }

  /// All of them, the plainest first.
  public static let all: [Preset] = [
    preset("ddpm-linear-1000", .ddpm, "The original DDPM; a safe start for pixels up to 64×64."),
    preset(
      "ddpm-cosine-1000", .ddpm,
      "Keeps more signal in the middle: better at 32×32, and in few training steps."
    ) {
      $0.betaSchedule = .squaredcosCapV2
    },
    preset("ddpm-scaled-linear-1000", .ddpm, "Stable Diffusion's noise with ancestral sampling; for latents.")
    {
      $0.betaSchedule = .scaledLinear
      ($0.betaStart, $0.betaEnd) = (0.00085, 0.012)
      $0.clipSample = false
    },
    preset("ddpm-sigmoid-1000", .ddpm, "β a sigmoid of t; gentle at both ends.") {
      $0.betaSchedule = .sigmoid
    },
    preset("ddim-linear", .ddim, "The original noise, deterministic, good from 50 steps."),
    preset("ddim-cosine", .ddim, "The cosine noise, deterministic, good from 25 steps.") {
      $0.betaSchedule = .squaredcosCapV2
    },
    preset("ddim-scaled-linear", .ddim, "Stable Diffusion's noise with DDIM; for latents.") {
      $0.betaSchedule = .scaledLinear
      ($0.betaStart, $0.betaEnd) = (0.00085, 0.012)
      ($0.clipSample, $0.setAlphaToOne, $0.stepsOffset) = (false, false, 1)
    },
    preset("pndm-scaled-linear", .pndm, "Stable Diffusion's own first sampler (PLMS); for latents, 50 steps.")
    {
      stableDiffusion(&$0)
      $0.skipPRKSteps = true
    },
    preset("lms", .lms, "Linear multistep; smooth pictures from 30 steps, unsteady below.") {
      stableDiffusion(&$0)
    },
    preset("euler", .euler, "The plainest solver: 20 to 50 steps, nothing to tune.") { stableDiffusion(&$0) },
    preset("euler-karras", .euler, "Euler with its steps where they matter most.") {
      stableDiffusion(&$0)
      $0.useKarrasSigmas = true
    },
    preset(
      "euler-a", .eulerAncestral,
      "Fresh noise at every step: lively, never the same at another number of steps."
    ) {
      stableDiffusion(&$0)
    },
    preset("heun", .heun, "Two calls a step, for a reference: few errors at 20 steps.") {
      stableDiffusion(&$0)
    },
    preset("dpm2-karras", .dpm2, "The midpoint method; two calls a step.") {
      stableDiffusion(&$0)
      $0.useKarrasSigmas = true
    },
    preset("dpmpp-2m", .dpmSolverMultistep, "Good from 15 steps; the first to try when time is short.") {
      stableDiffusion(&$0)
    },
    preset(
      "dpmpp-2m-karras", .dpmSolverMultistep, "The usual choice for latents: good from 15, settled at 25."
    ) {
      stableDiffusion(&$0)
      $0.useKarrasSigmas = true
    },
    preset("dpmpp-2m-sde-karras", .dpmSolverMultistep, "Along the SDE: more texture, 25 steps or more.") {
      stableDiffusion(&$0)
      ($0.useKarrasSigmas, $0.algorithmType) = (true, .sdeDPMSolverPlusPlus)
    },
    preset(
      "dpmpp-2s", .dpmSolverSinglestep, "Slopes from within a step: for strong guidance, where 2m wavers."
    ) {
      stableDiffusion(&$0)
      $0.lowerOrderFinal = true
    },
    preset("unipc", .uniPC, "Predictor and corrector: good from 8 steps.") { stableDiffusion(&$0) },
    preset("deis", .deis, "An exponential integrator; good from 10 steps.") { stableDiffusion(&$0) },
    preset("lcm", .lcm, "For models distilled to consistency alone: 1 to 8 steps.") {
      $0.setAlphaToOne = false
    },
    preset("tcd", .tcd, "For trajectory-consistency models alone: 2 to 20 steps."),
    preset("edm", .edmEuler, "For networks with EDM's preconditioning (Karras et al. 2022)."),
    preset(
      "rectified-flow", .flowMatchEuler, "Straight lines from noise to picture; for networks trained on them."
    ),
    preset(
      "rectified-flow-shift-3", .flowMatchEuler,
      "The same with more steps among the noise, for large pictures."
    ) {
      $0.shift = 3
    },
    preset(
      "zero-snr-v-trailing", .ddim,
      "Begins at pure noise (Lin et al. 2023): true black and white; v-prediction."
    ) {
      $0.betaSchedule = .scaledLinear
      ($0.betaStart, $0.betaEnd) = (0.00085, 0.012)
      ($0.predictionType, $0.timestepSpacing) = (.vPrediction, .trailing)
      ($0.clipSample, $0.rescaleBetasZeroSNR) = (false, true)
    },
  ]

  /// The preset of a name, or nil.
  public static func named(_ name: String) -> Preset? { all.first { $0.name == name } }

  /// A preset's name, a `scheduler_config.json`, or a folder that holds one.
  ///
  /// - Parameter others: names that would also have done, for the message.
  /// - Throws: `SchedulerError`, which lists the presets where `text` is neither.
  public static func resolve(_ text: String, orOneOf others: String? = nil) throws -> SchedulerConfig {
    if let preset = named(text) { return preset.config }
    var url = URL(fileURLWithPath: text)
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      throw SchedulerError(
        file: "'\(text)'",
        "is neither a file nor a name; known are "
          + (others.map { "the samplers \($0), and the schedules " } ?? "")
          + all.map(\.name).joined(separator: ", "))
    }
    if isFolder.boolValue {
      for inner in ["scheduler/scheduler_config.json", "scheduler_config.json"] {
        let candidate = url.appending(path: inner)
        if FileManager.default.fileExists(atPath: candidate.path) {
          url = candidate
          break
        }
      }
    }
    return try SchedulerConfig(contentsOf: url)
  }

  /// The noise of Stable Diffusion's first versions.
  private static func stableDiffusion(_ config: inout SchedulerConfig) {
    (config.betaSchedule, config.betaStart, config.betaEnd) = (.scaledLinear, 0.00085, 0.012)
    if config.className.keys.contains(.stepsOffset) { config.stepsOffset = 1 }
    if config.className.keys.contains(.timestepSpacing) { config.timestepSpacing = .leading }
  }

  private static func preset(
    _ name: String, _ className: SchedulerConfig.ClassName, _ summary: String,
    _ change: (inout SchedulerConfig) -> Void = { _ in }
  ) -> Preset {
    var config = SchedulerConfig(className)
    change(&config)
    return Preset(name: name, summary: summary, config: config)
  }
}
