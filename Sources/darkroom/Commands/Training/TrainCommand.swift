import ArgumentParser
import Foundation
import Models
import NN
import Pipelines
import Schedulers
import TensorCore
import Training

/// `darkroom train`: a folder of pictures to a model; a denoiser unless another kind is named.
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a model on a folder of pictures.",
    discussion: """
      'darkroom train <images> …' is short for 'darkroom train denoiser <images> …'.

      EXAMPLES
        darkroom train photos --classes folders --resolution 32 --output run
        darkroom resume run
        darkroom train photos --init-from run --steps 2000 --output finer
        darkroom train vae photos --output vae
        darkroom train photos --model dit --vae vae --resolution 64 --output latent
        darkroom train photos --captions metadata --resolution 32 --output told
        darkroom train controlnet run pairs --output outlines
        darkroom train classifier photos --classes folders --output guide
      """,
    subcommands: [
      TrainDenoiserCommand.self, TrainVAECommand.self, TrainControlNetCommand.self,
      TrainClassifierCommand.self,
    ],
    defaultSubcommand: TrainDenoiserCommand.self)
}

/// `darkroom train <images>`.
struct TrainDenoiserCommand: TrainingCommand {
  static let configuration = CommandConfiguration(
    commandName: "denoiser",
    abstract: "Train a U-Net or a diffusion transformer on a folder of pictures.",
    discussion: """
      The output folder is a diffusers pipeline holding the averaged weights at every checkpoint, beside training/ (what \
      --resume needs), report.html, metrics.jsonl, loss.svg and previews/. Every picture is checked before the first step. \
      Ctrl-C saves a checkpoint and ends; 'darkroom resume' goes on, and ends in the same bytes as a run that was never \
      stopped.
      """)

  @Argument(help: "The folder of PNG and JPEG pictures.", completion: .directory)
  var images: String

  @OptionGroup var place: PlaceOptions
  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Captions") var captions: CaptionArguments
  @OptionGroup(title: "Model") var network: NetworkOptions
  @OptionGroup(title: "Loss") var loss: LossArguments
  @OptionGroup(title: "Optimisation") var updates: UpdateOptions
  @OptionGroup(title: "Averaging and guidance") var averaging: AveragingOptions
  @OptionGroup(title: "Outputs") var outputs: OutputOptions
  @OptionGroup(title: "Machine") var compute: ComputeOptions

  func validate() throws {
    try require(
      captions.captions == nil || data.classes == .none,
      "--captions and --classes exclude each other: a caption says what a class would.")
  }

  func train(_ command: RunCommand) throws {
    try compute.apply()
    var plan = try plan()
    try plan.forecast.refuse(plan.options.extent)
    let run = try RunFolder(place, describedBy: "model_index.json", images: images)
    run.settle(&plan.options, updates.seed, compute)
    // Before the pictures are opened, which may take long.
    try run.refuse(plan.identity.without(updates.epochs == nil ? [] : ["--steps"]))

    var folder = try data.checked(
      images, captions: captions.captions ?? .any, resolution: plan.options.resolution)
    if captions.captions != nil { folder = try folder.captioned(images, skipsBad: data.skipBad) }
    let pictures = DenoiserPictures(folder, plan.options)
    plan.options.steps = run.steps(
      try updates.steps(or: TrainingOptions().steps, pictures: pictures.split.learned.count))
    let learner = try DenoiserLearner(plan, pictures, captions)
    let identity = try learner.identity()
    try run.refuse(identity)

    let lock = try run.claim(command)
    let (trainer, product) = try learner.begin(in: run)
    let training = try TrainingRun(
      trainer, product, outputs.outputs, identity: identity, lock: lock, command: command.quoted,
      folder: run.url)
    try TrainingSession.run(
      training, of: run, on: pictures.split, classes: folder.classes.count, plan.forecast)
  }

  /// What is asked, as far as it is known without the pictures.
  private func plan() throws -> DenoiserPlan {
    let readsCaptions = captions.captions != nil
    let start = try network.start()
    let vae = try network.vaeFolder(start)
    var config = try network.network(
      start, latentChannels: vae?.config.latentChannels, readsCaptions: readsCaptions)
    try captions.check(config, start)
    var scheduler = try network.noise(start, readsCaptions: readsCaptions)
    let options = try self.options(config, &scheduler, vae, isGivenNetwork: start != nil)
    if options.loss.learnsVariance { config.learnVariance() }
    try check(config, scheduler, vae)
    return try DenoiserPlan(start, vae, config, scheduler, options, try forecast(config, options, vae))
  }

  /// Everything but the number of updates, which may follow from the pictures.
  private func options(
    _ network: any DenoiserConfig, _ scheduler: inout SchedulerConfig, _ vae: VAEFolder?, isGivenNetwork: Bool
  ) throws -> TrainingOptions {
    let factor = vae?.config.downsampling ?? 1
    // A network that is named by its use at a size of pixels has that; one that is described has its own.
    let isDescribed = self.network.config != nil || isGivenNetwork
    let side = (network.nativeSize?.height ?? 32) * (isDescribed ? factor : 1)
    var options = TrainingOptions(resolution: data.resolution ?? side, data, updates, place)
    options.captions = captions.options
    let dropout = captions.options == nil ? averaging.labelDropout : captions.captionDropout ?? 0.1
    (options.emaDecay, options.labelDropout) = (averaging.ema, dropout)
    options.vae = try vae?.hash()
    options.loss = try loss.options(&scheduler)
    try DataOptions.check(options.resolution, multipleOf: network.sizeMultiple * factor, for: "network")
    return options
  }

  private func forecast(
    _ network: any DenoiserConfig, _ options: TrainingOptions, _ vae: VAEFolder?
  ) throws -> Forecast {
    let side = options.resolution / (vae?.config.downsampling ?? 1)
    let plan = try network.build(ParameterStore(.plan))
    return Forecast(
      network.cost(height: side, width: side), learning: plan.parameters.parameterCount, options)
  }

  private func check(_ network: any DenoiserConfig, _ scheduler: SchedulerConfig, _ vae: VAEFolder?) throws {
    if vae != nil && data.crop == .random {
      throw Failure.usage(
        "--crop random does not go with --vae, whose latents are encoded once; use --crop center.")
    }
    let channels = vae?.config.latentChannels ?? 3
    guard network.inChannels == channels, [channels, 2 * channels].contains(network.predictedChannels) else {
      throw Failure(
        "this network has \(network.inChannels) input and \(network.predictedChannels) output channels; "
          + (vae == nil ? "pictures have 3" : "the VAE's latents have \(channels)")
          + ", and as many more for their variance.")
    }
    try ModelFolder.check(network, scheduler, in: URL(argument: place.output, "--output"))
  }
}
