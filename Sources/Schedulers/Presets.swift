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
  /// - Throws: `SchedulerError`, which lists the presets where `text` is neither.
  public static func resolve(_ text: String) throws -> SchedulerConfig {
    if let preset = named(text) { return preset.config }
    var url = URL(fileURLWithPath: text)
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      throw SchedulerError(
        file: "'\(text)'",
        "is neither a file nor a schedule; known are \(all.map(\.name).joined(separator: ", "))")
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

  private static func preset(
    _ name: String, _ className: SchedulerConfig.ClassName, _ summary: String,
    _ change: (inout SchedulerConfig) -> Void = { _ in }
  ) -> Preset {
    var config = SchedulerConfig(className)
    change(&config)
    return Preset(name: name, summary: summary, config: config)
  }
}
