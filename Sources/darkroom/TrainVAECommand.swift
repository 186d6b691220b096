import ArgumentParser
import Files
import Foundation
import Models
import NN
import Pictures
import Pipelines
import TensorCore
import Training

/// `darkroom train vae`: a folder of pictures to an autoencoder of latents.
struct TrainVAECommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vae",
    abstract: "Train an AutoencoderKL, whose latents a denoiser can then learn (train --vae).",
    discussion: """
      The output folder is diffusers' AutoencoderKL with scaling_factor set to 1 over the deviation of the pictures' \
      latents, beside metrics.jsonl, loss.svg, quality.json (PSNR, SSIM and KL of pictures that were held out) and \
      previews/ (held-out pictures over their reconstructions). The perceptual term needs weights of a VGG-16, which are not \
      part of this program: without --perceptual-weights it is left out. A run that was stopped goes on with --resume.
      """)

  @Argument(help: "The folder of PNG and JPEG pictures.")
  var images: String

  @Option(name: .shortAndLong, help: "The autoencoder's folder; made if there is none.")
  var output: String

  @Option(help: "A network by name: vae-tiny-f4 or vae-kl-f8.")
  var preset = AutoencoderKLPreset.tinyF4

  @Option(help: "A network by a JSON file with the keys of diffusers' AutoencoderKL, in place of --preset.")
  var config: String?

  @OptionGroup(title: "Data") var data: DataOptions

  @Option(help: "What a reconstruction is measured by: l1 or mse.")
  var reconstruction = AutoencoderOptions.Reconstruction.l1

  @Option(help: "Weight of the latents' divergence from a standard normal.")
  var klWeight: Float = 1e-6

  @Option(
    help: ArgumentHelp(
      "LPIPS weights: a safetensors file with the keys of lpips.LPIPS(net=\"vgg\").state_dict(). (default: no perceptual term)",
      valueName: "file"))
  var perceptualWeights: String?

  @Option(help: "Weight of the perceptual distance.")
  var perceptualWeight: Float = 1

  @Option(help: "Share of the pictures that is held out to measure by.")
  var heldOut = 0.05

  @Option(help: "The update from which a patch discriminator takes part. (default: none takes part)")
  var discriminatorStart: Int?

  @Option(help: "The discriminator's weight, beside the one that balances it with the reconstruction.")
  var discriminatorWeight: Float = 0.5

  @Flag(help: "Go on with the run in the output folder; begin anew where it has none yet.")
  var resume = false

  @OptionGroup(title: "Optimisation") var optimisation: AutoencoderOptimisation

  @OptionGroup(title: "Machine") var compute: ComputeOptions

  func validate() throws {
    if !(klWeight >= 0 && klWeight.isFinite) { throw ValidationError("--kl-weight must not be negative.") }
    if !(perceptualWeight >= 0 && perceptualWeight.isFinite) {
      throw ValidationError("--perceptual-weight must not be negative.")
    }
    if !(0..<0.5).contains(heldOut) { throw ValidationError("--held-out must be at least 0 and below 0.5.") }
    if let start = discriminatorStart, start < 0 {
      throw ValidationError("--discriminator-start must not be negative.")
    }
  }

  func run() throws {
    try compute.apply()
    let network =
      try config.map { try AutoencoderKLConfig(contentsOf: URL(fileURLWithPath: $0)) } ?? preset.config
    guard network.inChannels == 3, network.outChannels == 3 else {
      throw Failure(
        "this autoencoder has \(network.inChannels) channels in and \(network.outChannels) out; pictures have 3."
      )
    }
    let resolution = data.resolution ?? network.sampleSize?[0] ?? 32
    guard resolution % network.downsampling == 0, (1...4096).contains(resolution) else {
      throw Failure(
        "--resolution \(resolution): this autoencoder needs a multiple of \(network.downsampling), up to 4096."
      )
    }
    let run = try RunFolder(output, describedBy: "config.json", resume: resume)
    let perceptual = try perceptualWeights.map { try LPIPS(contentsOf: URL(fileURLWithPath: $0)) }
    if perceptual == nil {
      Console.note("no perceptual term: --perceptual-weights names none")
    } else if resolution < LPIPS.leastSide {
      throw Failure(
        "--perceptual-weights needs pictures of \(LPIPS.leastSide) pixels a side or more, not \(resolution).")
    }
    var options = try options(resolution)
    let state = try run.state.map { try AutoencoderState(contentsOf: $0) }
    if let state {
      try run.refuse(state.options.conflict(with: options))
      options.data.threads = state.options.data.threads
    }
    run.begin(from: state.map { ($0.stepsTaken, $0.options.data.threads) })
    let folder = try data.checked(images, resolution: resolution)
    var sized = network
    sized.sampleSize = [resolution, resolution]
    let pictures = PictureStore(folder, resolution: resolution, crop: data.crop)
    let trainer = try AutoencoderTrainer(sized, pictures, options, perceptual: perceptual, resuming: state)
    Console.note(
      "training \(trainer.model.parameters.parameterCount) parameters; \(trainer.heldOut.count) pictures are held out"
    )
    try train(
      trainer, AutoencoderRun(trainer, sized, checkpointEvery: optimisation.previewEvery, folder: run.url))
  }

  private func options(_ resolution: Int) throws -> AutoencoderOptions {
    var options = AutoencoderOptions()
    (options.data.resolution, options.data.crop, options.data.flip) = (resolution, data.crop, data.flip)
    optimisation.fill(&options.data)
    options.data.threads = threadCount
    (options.reconstruction, options.klWeight, options.heldOut) = (reconstruction, klWeight, heldOut)
    (options.discriminatorStart, options.discriminatorWeight) = (discriminatorStart, discriminatorWeight)
    options.perceptual = try perceptualWeights.map { try SHA256.hex(of: URL(fileURLWithPath: $0)) }
    options.perceptualWeight = perceptualWeight
    return options
  }

  private func train(_ trainer: AutoencoderTrainer, _ run: AutoencoderRun) throws {
    let (steps, before, clock) = (trainer.options.data.steps, trainer.stepsTaken, Stopwatch())
    Interruption.watch()
    let end = try run.run(
      shouldStop: { Interruption.wanted },
      report: { report, discriminatorLoss in
        let left = clock.seconds / Double(report.step - before) * Double(steps - report.step)
        Console.transient(
          String(format: "step %d/%d  loss %.4f  ", report.step, steps, report.loss)
            + (discriminatorLoss.map { String(format: "discriminator %.3f  ", $0) } ?? "")
            + "\(Console.duration(left)) left")
      },
      measured: { step, quality in
        Console.endTransient()
        Console.note(
          String(
            format: "step %d: PSNR %.2f dB, SSIM %.4f, KL %.1f nats a picture", step, quality.psnr,
            quality.ssim,
            quality.kl))
      })
    Console.endTransient()
    if end == .interrupted {
      Console.note("stopped; the same command with --resume goes on")
      throw ExitCode(130)
    }
  }
}

/// How an autoencoder's weights move.
struct AutoencoderOptimisation: ParsableArguments {
  @Option(help: "Updates of the weights.")
  var steps = 2_000

  @Option(help: "Pictures at a time.")
  var batchSize = 16

  @Option(help: "The highest learning rate.")
  var learningRate: Float = 1e-3

  @Option(help: "Updates over which the rate rises to it.")
  var warmup = 50

  @Option(help: "The seed of everything random.")
  var seed: UInt64 = 0

  @Option(help: "Updates between measurements, checkpoints and previews.")
  var previewEvery = 500

  func validate() throws {
    try requireUpdates(steps: steps, batchSize: batchSize, learningRate: learningRate, warmup: warmup)
    if previewEvery < 1 { throw ValidationError("--preview-every must be at least 1.") }
  }

  func fill(_ options: inout TrainingOptions) {
    (options.steps, options.batchSize, options.seed) = (steps, batchSize, seed)
    options.learningRate = .init(peak: learningRate, warmup: warmup, decay: .cosine)
  }
}

extension AutoencoderKLPreset: ExpressibleByArgument {}
extension AutoencoderOptions.Reconstruction: ExpressibleByArgument {}
