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
        darkroom train photos --output run --resume
        darkroom train vae photos --output vae
        darkroom train photos --model dit --vae vae --resolution 64 --output latent
      """,
    subcommands: [TrainDenoiserCommand.self, TrainVAECommand.self],
    defaultSubcommand: TrainDenoiserCommand.self)
}

/// `darkroom train <images>`.
struct TrainDenoiserCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "denoiser",
    abstract: "Train a U-Net or a diffusion transformer on a folder of pictures.",
    discussion: """
      The output folder is a diffusers pipeline holding the averaged weights at every checkpoint, beside training/ (what \
      --resume needs), metrics.jsonl, loss.svg and previews/. Every picture is checked before the first step. Ctrl-C \
      saves a checkpoint and ends; --resume goes on, and ends in the same bytes as a run that was never stopped.
      """)

  @Argument(help: "The folder of PNG and JPEG pictures.")
  var images: String

  @Option(name: .shortAndLong, help: "The run's folder; made if there is none.")
  var output: String

  @Flag(help: "Go on from the run's last checkpoint; begins anew where there is none.")
  var resume = false

  @OptionGroup(title: "Data") var data: DataOptions
  @OptionGroup(title: "Model") var network: NetworkOptions
  @OptionGroup(title: "Loss") var loss: LossArguments
  @OptionGroup(title: "Optimisation") var optimisation: OptimisationOptions
  @OptionGroup(title: "Outputs") var outputs: OutputOptions
  @OptionGroup(title: "Machine") var compute: ComputeOptions

  func run() throws {
    try compute.apply()
    let vaeFolder = try network.vae.map { try VAEFolder(URL(fileURLWithPath: $0)) }
    let factor = vaeFolder?.config.downsampling ?? 1
    var asked = try network.network(latentChannels: vaeFolder?.config.latentChannels)
    let resolution =
      data.resolution ?? (asked.nativeSize?.height ?? 32) * (network.config == nil ? 1 : factor)
    var options = TrainingOptions()
    (options.resolution, options.crop, options.flip) = (resolution, data.crop, data.flip)
    try optimisation.fill(&options)
    options.threads = threadCount
    options.vae = try vaeFolder?.hash()
    var scheduler = try network.noise()
    options.loss = try loss.options(&scheduler)
    if options.loss.learnsVariance { asked.learnVariance() }
    let multiple = asked.sizeMultiple * factor
    guard resolution % multiple == 0, (1...4096).contains(resolution) else {
      throw Failure("--resolution \(resolution): this network needs a multiple of \(multiple), up to 4096.")
    }
    if vaeFolder != nil && data.crop == .random {
      throw Failure(
        "--crop random does not go with --vae, whose latents are encoded once; use --crop center.")
    }
    let channels = vaeFolder?.config.latentChannels ?? 3
    guard asked.inChannels == channels, [channels, 2 * channels].contains(asked.predictedChannels) else {
      throw Failure(
        "this network has \(asked.inChannels) input and \(asked.predictedChannels) output channels; "
          + (vaeFolder == nil ? "pictures have 3" : "the VAE's latents have \(channels)")
          + ", and as many more for their variance.")
    }
    try ModelFolder.check(asked, scheduler, in: URL(fileURLWithPath: output))
    let run = try RunFolder(output, describedBy: "model_index.json", resume: resume)
    // Before the network is made, whose shape may follow from the options.
    if let url = run.state { try run.refuse(TrainingState.options(of: url)?.conflict(with: options)) }

    let folder = try data.checked(images, resolution: resolution)
    let config = asked.prepared(size: resolution / factor, classes: folder.classes.count)
    let nullClass = config.nullClass ?? (folder.classes.isEmpty ? nil : folder.classes.count)
    let state = try run.state.map { url in
      // The keys and shapes that a state must have are those of a network.
      let network = try config.build(ParameterStore(.fresh(seed: options.seed)))
      return try TrainingState(contentsOf: url, for: network.parameters)
    }
    if let state { options.threads = state.options.threads }
    run.begin(from: state.map { ($0.stepsTaken, $0.options.threads) })
    let pictures = PictureStore(folder, resolution: resolution, crop: data.crop)
    let codec = try vaeFolder.map { LatentSpace(try $0.vae()) }
    let examples = try codec.map { try latents(pictures, $0, options, in: run.url) } ?? pictures
    let trainer = try Trainer(
      config, scheduler, examples, unconditional: nullClass.map { Condition(labels: [$0]) }, options,
      resuming: state)
    let training = try TrainingRun(
      trainer, scheduler, classes: folder.classes, nullClass: nullClass,
      .init(checkpointEvery: outputs.checkpointEvery, previewEvery: outputs.previewEvery), codec: codec,
      shape: examples.shape, folder: run.url)
    Console.note(
      "training \(trainer.model.parameters.parameterCount) parameters on \(folder.items.count) pictures, "
        + (folder.classes.isEmpty ? "" : "\(folder.classes.count) classes, ") + "\(threadCount) threads")
    let progress = ProgressReport(options)
    Interruption.watch()
    let end = try training.run(
      shouldStop: { Interruption.wanted }, report: progress.report, note: { Console.note($0) })
    Console.endTransient()
    if end == .interrupted {
      Console.note("stopped; the same command with --resume goes on")
      throw ExitCode(130)
    }
  }

  /// The pictures' latents, from the run's cache or encoded now.
  private func latents(
    _ pictures: PictureStore, _ codec: LatentSpace, _ options: TrainingOptions, in run: URL
  ) throws -> any ExampleSource {
    let hash = options.vae ?? ""
    let cache = run.appending(path: "training/latents-\(hash.prefix(12)).safetensors")
    let store = try LatentStore(pictures, codec, hash: hash, flips: options.flip, cache: cache) {
      done, total in
      Console.transient("encoding \(done)/\(total)")
    }
    Console.endTransient()
    Console.note(String(format: "latents %@ deviate by %.3f", "\(store.shape)", store.deviation))
    return store
  }
}

/// A line that a person watches, or one now and then for a file.
private final class ProgressReport {
  private let options: TrainingOptions
  private let clock = Stopwatch()
  private var first: Int?
  private var mean: Float?
  private var lastLine = -60.0

  init(_ options: TrainingOptions) { self.options = options }

  func report(_ r: Trainer.Report) {
    let first = first ?? r.step
    self.first = first
    mean = mean.map { 0.95 * $0 + 0.05 * r.loss } ?? r.loss
    let seconds = clock.seconds
    let done = r.step - first + 1
    let rate = Double(done * options.picturesPerStep) / seconds
    let left = seconds / Double(done) * Double(options.steps - r.step)
    let line =
      String(
        format: "step %d/%d  loss %.4f (mean %.4f)  %.1f images/s  ", r.step, options.steps, r.loss,
        mean ?? r.loss, rate)
      + "\(Console.duration(left)) left"
    if Console.isTerminal {
      Console.transient(line)
    } else if seconds - lastLine >= 10 || r.step == options.steps {
      lastLine = seconds
      Console.note(line)
    }
  }
}
