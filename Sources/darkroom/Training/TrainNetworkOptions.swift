import ArgumentParser
import Foundation
import Models
import NN
import Pipelines
import Schedulers
import Training

/// Which network learns what.
struct NetworkOptions: ParsableArguments {
  @Option(help: "The family of the network: unet or dit. (default: that of --preset or --config, or unet)")
  var model: Family?

  @Option(
    help: ArgumentHelp(
      """
      A network by name. (default: tiny-32 of the U-Nets, dit-tiny-4 of the transformers, text-tiny with --captions)
      """,
      discussion: "U-Nets: \(UNet2DPreset.allCases.map(\.rawValue).joined(separator: ", ")). Transformers: "
        + "\(DiTPreset.allCases.map(\.rawValue).joined(separator: ", ")). U-Nets that read captions: "
        + "\(UNet2DConditionPreset.allCases.map(\.rawValue).joined(separator: ", "))."))
  var preset: String?

  @Option(
    help:
      "A network by a JSON file with the keys of diffusers' UNet2DModel, UNet2DConditionModel or DiTTransformer2DModel.",
    completion: .file(extensions: ["json"]))
  var config: String?

  @Option(
    help: """
      Begin with the weights of this model's folder, of this program or of diffusers, in place of chance: fine-tuning. Its \
      network, schedule, size and VAE are used too; classes of the same name keep what was learned of them.
      """,
    completion: .directory)
  var initFrom: String?

  @Option(
    help:
      "Learn the latents of this AutoencoderKL in place of pixels: its folder, or that of a pipeline with one.",
    completion: .directory
  )
  var vae: String?

  enum Family: String, ExpressibleByArgument, CaseIterable { case unet, dit }

  @Option(
    help: """
      The noise: a schedule's name ('darkroom schedule list') or a scheduler_config.json. With --vae its clip_sample is \
      turned off, unless its clip_sample_range is more than 1. (default: ddpm-cosine-1000, or that of --init-from)
      """)
  var schedule: String?

  @Option(
    help:
      "What the network predicts: epsilon, sample or v_prediction. (default: the schedule's, mostly epsilon)")
  var prediction: SchedulerConfig.PredictionType?

  func validate() throws {
    try require(preset == nil || config == nil, "--preset and --config exclude each other.")
    try require(
      initFrom == nil || (preset == nil && config == nil && model == nil),
      "--init-from says which network it is; leave --model, --preset and --config out.")
  }

  /// The model whose weights training begins with.
  func start() throws -> StartingModel? {
    try initFrom.map { try StartingModel(URL(argument: $0, "--init-from")) }
  }

  /// The VAE whose latents are learned.
  func vaeFolder(_ start: StartingModel?) throws -> VAEFolder? {
    guard let vae else { return start?.folder.vae }
    return try VAEFolder(URL(argument: vae, "--vae"))
  }

  /// The network, for latents of so many channels where there is a VAE.
  ///
  /// - Parameter readsCaptions: whether one that reads texts is meant where none is named.
  func network(
    _ start: StartingModel?, latentChannels: Int?, readsCaptions: Bool
  ) throws -> any DenoiserConfig {
    let network =
      try start?.folder.config ?? config.map {
        try DenoiserFamilies.config(contentsOf: URL(argument: $0, "--config"))
      }
      ?? named(readsCaptions).with(channels: latentChannels ?? 3)
    if let model, (network is DiTConfig) != (model == .dit) {
      throw Failure.usage("--model \(model.rawValue) and the network named are of different families.")
    }
    guard ![.number, .vector].contains(network.classInput) else {
      throw Failure(
        "a network with class_embed_type cannot be trained on folders; use --classes folders without it.")
    }
    return network
  }

  private func named(_ readsCaptions: Bool) throws -> any DenoiserConfig {
    let name = preset ?? (model == .dit ? "dit-tiny-4" : readsCaptions ? "text-tiny" : "tiny-32")
    if let network = DenoiserFamilies.config(preset: name) { return network }
    throw Failure.usage(
      "--preset \(name) is not known; there are \(DenoiserFamilies.presetNames.joined(separator: ", ")).")
  }

  /// - Parameter readsCaptions: whether the network is told texts.
  func noise(_ start: StartingModel?, readsCaptions: Bool) throws -> SchedulerConfig {
    if schedule == nil, let start {
      var scheduler = try start.folder.scheduler
      if let prediction { scheduler.predictionType = prediction }
      return scheduler
    }
    let schedule = schedule ?? "ddpm-cosine-1000"
    var scheduler = try SchedulerConfig(argument: schedule, "--schedule")
    if let prediction { scheduler.predictionType = prediction }
    // Latents are scaled to a deviation of 1: cut off at ±1, the range of pictures, they would lose their colours. Whoever
    // names a larger range means latents.
    let isOfLatents = (vae ?? start?.folder.vae?.url.path) != nil
    if isOfLatents && scheduler.clipSampleRange <= 1 { scheduler.clipSample = false }
    // As diffusers' pipeline of texts will have it, whatever is written: DDIM, which cuts x₀ and leaves the noise that goes with
    // it as it was, turns colours into their opposites where guidance is strong.
    if readsCaptions { (scheduler.clipSample, scheduler.stepsOffset) = (false, 1) }
    do { try scheduler.validate() } catch var error {
      error.file = schedule
      throw error
    }
    return scheduler
  }
}

extension UNet2DPreset: ExpressibleByArgument {}
extension SchedulerConfig.PredictionType: ExpressibleByArgument {}
