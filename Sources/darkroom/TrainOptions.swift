import ArgumentParser
import Foundation
import Models
import NN
import Pipelines
import Schedulers
import Training

/// Which pictures, and how they are shown.
struct DataOptions: ParsableArguments {
  @Option(help: "Where classes come from: none, or folders (sub-folders are classes).")
  var classes = ImageFolder.Classes.none

  @Option(help: "Pixels a side. (default: the model's)")
  var resolution: Int?

  @Option(help: "Where a picture is cut to a square: center, or random (another place each time).")
  var crop = TrainingOptions.CropMode.center

  @Flag(help: "Mirror each picture half of the times.")
  var flip = false

  @Flag(help: "Leave out the pictures that cannot be used, and say which, in place of refusing the folder.")
  var skipBad = false

  /// Opens every picture before the first step.
  func checked(_ path: String, resolution: Int) throws -> ImageFolder {
    let folder = try ImageFolder(URL(fileURLWithPath: path), classes: classes)
    let check = FolderCheck(folder, resolution: resolution)
    if !check.findings.isEmpty {
      let hint = " ('darkroom data check' names them)"
      Console.note(check.report(filesPerKind: 5, moreHint: hint, skipsBad: skipBad))
    }
    guard check.hasErrors else { return folder }
    guard skipBad else {
      throw Failure(
        "\(path) holds what cannot be used, named above; mend or remove it, or add --skip-bad to leave it out."
      )
    }
    let usable = check.usableFolder
    guard !usable.items.isEmpty else { throw Failure("\(path) holds no picture that can be used.") }
    return usable
  }
}

/// Which network learns what.
struct NetworkOptions: ParsableArguments {
  @Option(help: "The family of the network: unet or dit. (default: that of --preset or --config, or unet)")
  var model: Family?

  @Option(
    help: ArgumentHelp(
      "A network by name. (default: tiny-32 of the U-Nets, dit-tiny-4 of the transformers)",
      discussion: "U-Nets: \(UNet2DPreset.allCases.map(\.rawValue).joined(separator: ", ")). Transformers: "
        + "\(DiTPreset.allCases.map(\.rawValue).joined(separator: ", "))."))
  var preset: String?

  @Option(
    help: "A network by a JSON file with the keys of diffusers' UNet2DModel or DiTTransformer2DModel.")
  var config: String?

  @Option(
    help:
      "Learn the latents of this AutoencoderKL in place of pixels: its folder, or that of a pipeline with one."
  )
  var vae: String?

  enum Family: String, ExpressibleByArgument, CaseIterable { case unet, dit }

  @Option(
    help:
      "The noise: a schedule's name ('darkroom schedule list') or a scheduler_config.json. With --vae its clip_sample is turned off, unless its clip_sample_range is more than 1."
  )
  var schedule = "ddpm-cosine-1000"

  @Option(
    help:
      "What the network predicts: epsilon, sample or v_prediction. (default: the schedule's, mostly epsilon)")
  var prediction: SchedulerConfig.PredictionType?

  func validate() throws {
    if preset != nil && config != nil { throw ValidationError("--preset and --config exclude each other.") }
  }

  /// The network, for latents of so many channels where there is a VAE.
  func network(latentChannels: Int?) throws -> any DenoiserConfig {
    let network =
      try config.map { try DenoiserFamilies.config(contentsOf: URL(fileURLWithPath: $0)) }
      ?? named().with(channels: latentChannels ?? 3)
    if let model, (network is UNet2DConfig) != (model == .unet) {
      throw Failure("--model \(model.rawValue) and the network named are of different families.")
    }
    guard ![.number, .vector].contains(network.classInput) else {
      throw Failure(
        "a network with class_embed_type cannot be trained on folders; use --classes folders without it.")
    }
    return network
  }

  private func named() throws -> any DenoiserConfig {
    let name = preset ?? (model == .dit ? "dit-tiny-4" : "tiny-32")
    if let network = DenoiserFamilies.config(preset: name) { return network }
    throw Failure(
      "--preset \(name) is not known; there are \(DenoiserFamilies.presetNames.joined(separator: ", ")).")
  }

  func noise() throws -> SchedulerConfig {
    var scheduler = try Presets.resolve(schedule)
    if let prediction { scheduler.predictionType = prediction }
    // Latents are scaled to a deviation of 1: cut off at ±1, the range of pictures, they would lose their colours. Whoever
    // names a larger range means latents.
    if vae != nil && scheduler.clipSampleRange <= 1 { scheduler.clipSample = false }
    do { try scheduler.validate() } catch var error {
      error.file = schedule
      throw error
    }
    return scheduler
  }
}

/// How the weights move.
struct OptimisationOptions: ParsableArguments {
  @Option(help: "Updates of the weights.")
  var steps = 10_000

  @Option(help: "Pictures at a time.")
  var batchSize = 16

  @Option(help: "Batches an update: more of them act as one larger batch.")
  var accumulate = 1

  @Option(help: "The highest learning rate.")
  var learningRate: Float = 2e-4

  @Option(help: "Updates over which the rate rises to it.")
  var warmup = 100

  @Option(help: "What the rate does then: cosine (down to 0) or constant.")
  var decay = LearningRate.Decay.cosine

  @Option(help: "AdamW's weight decay.")
  var weightDecay: Float = 0.01

  @Option(help: "The norm that the gradient is cut to; 0 for none.")
  var clipGradient: Float = 1

  @Option(help: "Decay of the averaged weights, which are what is saved.")
  var ema: Float = 0.999

  @Option(help: "Share of labels hidden in training, so that guidance works; 0 for none.")
  var labelDropout: Float = 0.1

  @Option(help: "The seed of everything random.")
  var seed: UInt64 = 0

  func validate() throws {
    try requireUpdates(steps: steps, batchSize: batchSize, learningRate: learningRate, warmup: warmup)
    try require((1...65_536).contains(accumulate), "--accumulate must be from 1 to 65536.")
    try require(weightDecay >= 0 && weightDecay.isFinite, "--weight-decay must not be negative.")
    try require(clipGradient >= 0, "--clip-gradient must not be negative.")
    try require((0..<1).contains(ema), "--ema must be at least 0 and below 1.")
    try require((0...1).contains(labelDropout), "--label-dropout must be from 0 to 1.")
  }

  func fill(_ options: inout TrainingOptions) throws {
    (options.steps, options.batchSize, options.accumulate) = (steps, batchSize, accumulate)
    options.learningRate = LearningRate(peak: learningRate, warmup: warmup, decay: decay)
    options.optimizer.weightDecay = weightDecay
    options.optimizer.maxGradientNorm = clipGradient == 0 ? nil : clipGradient
    (options.emaDecay, options.labelDropout, options.seed) = (ema, labelDropout, seed)
  }
}

/// What the training of a denoiser and that of an autoencoder both ask of their updates.
///
/// - Throws: `ValidationError`, which names the option.
func requireUpdates(steps: Int, batchSize: Int, learningRate: Float, warmup: Int) throws {
  try require((1...1_000_000_000).contains(steps), "--steps must be from 1 to 1000000000.")
  try require((1...65_536).contains(batchSize), "--batch-size must be from 1 to 65536.")
  try require(learningRate > 0 && learningRate.isFinite, "--learning-rate must be more than 0.")
  try require(warmup >= 0, "--warmup must not be negative.")
}

private func require(_ holds: Bool, _ text: String) throws { if !holds { throw ValidationError(text) } }

/// What is written on the way.
struct OutputOptions: ParsableArguments {
  @Option(help: "Updates between checkpoints; 0 for the end alone.")
  var checkpointEvery = 500

  @Option(help: "Updates between previews; 0 for none.")
  var previewEvery = 500

  func validate() throws {
    if checkpointEvery < 0 { throw ValidationError("--checkpoint-every must not be negative.") }
    if previewEvery < 0 { throw ValidationError("--preview-every must not be negative.") }
  }
}

extension TrainingOptions.CropMode: ExpressibleByArgument {}
extension UNet2DPreset: ExpressibleByArgument {}
extension SchedulerConfig.PredictionType: ExpressibleByArgument {}
extension LearningRate.Decay: ExpressibleByArgument {}
