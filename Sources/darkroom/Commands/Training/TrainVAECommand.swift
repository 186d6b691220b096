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
struct TrainVAECommand: TrainingCommand {
  static let configuration = CommandConfiguration(
    commandName: "vae",
    abstract: "Train an AutoencoderKL, whose latents a denoiser can then learn (train --vae).",
    discussion: """
      The output folder is diffusers' AutoencoderKL with scaling_factor set to 1 over the deviation of the pictures' \
      latents, beside report.html, metrics.jsonl, loss.svg, quality.json (PSNR, SSIM and KL of pictures that were held \
      out) and previews/ (held-out pictures over their reconstructions). The perceptual term needs weights of a VGG-16, which are not \
      part of this program: without --perceptual-weights it is left out. A run that was stopped goes on with 'darkroom resume'.
      """)

  @Argument(help: "The folder of PNG and JPEG pictures.", completion: .directory)
  var images: String

  @OptionGroup var place: PlaceOptions

  @Option(help: "A network by name: vae-tiny-f4 or vae-kl-f8. (default: vae-tiny-f4)")
  var preset: AutoencoderKLPreset?

  @Option(
    help: "A network by a JSON file with the keys of diffusers' AutoencoderKL, in place of --preset.",
    completion: .file(extensions: ["json"]))
  var config: String?

  @Option(
    help: """
      Begin with the weights of this AutoencoderKL, of this program or of diffusers, in place of chance: fine-tuning. Its \
      folder, or that of a pipeline with one; its network is used too.
      """,
    completion: .directory)
  var initFrom: String?

  @OptionGroup(title: "Data") var data: DataOptions

  @Option(help: "What a reconstruction is measured by: l1 or mse.")
  var reconstruction = AutoencoderOptions.Reconstruction.l1

  @Option(help: "Weight of the latents' divergence from a standard normal.")
  var klWeight: Float = 1e-6

  @Option(
    help: ArgumentHelp(
      "LPIPS weights: a safetensors file with the keys of lpips.LPIPS(net=\"vgg\").state_dict(). (default: no perceptual term)",
      valueName: "file"),
    completion: .file(extensions: ["safetensors"]))
  var perceptualWeights: String?

  @Option(help: "Weight of the perceptual distance.")
  var perceptualWeight: Float = 1

  @Option(help: "The update from which a patch discriminator takes part. (default: none takes part)")
  var discriminatorStart: Int?

  @Option(help: "The discriminator's weight, beside the one that balances it with the reconstruction.")
  var discriminatorWeight: Float = 0.5

  @OptionGroup(title: "Optimisation") var updates: UpdateOptions
  @OptionGroup(title: "Outputs") var outputs: OutputOptions
  @OptionGroup(title: "Machine") var compute: ComputeOptions

  func validate() throws {
    for (value, option) in [
      (klWeight, "--kl-weight"), (perceptualWeight, "--perceptual-weight"),
      (discriminatorWeight, "--discriminator-weight"),
    ] { try require(isFinite(value), "\(option) must not be negative, and be finite.") }
    try require((discriminatorStart ?? 0) >= 0, "--discriminator-start must not be negative.")
    try require(preset == nil || config == nil, "--preset and --config exclude each other.")
    try require(
      initFrom == nil || (preset == nil && config == nil),
      "--init-from says which network it is; leave --preset and --config out.")
  }

  func train(_ command: RunCommand) throws {
    try compute.apply()
    let start = try initFrom.map { try StartingAutoencoder(URL(argument: $0, "--init-from")) }
    var network =
      try start?.config ?? config.map { try AutoencoderKLConfig(contentsOf: URL(argument: $0, "--config")) }
      ?? (preset ?? .tinyF4).config
    guard network.inChannels == 3, network.outChannels == 3 else {
      throw Failure(
        "this autoencoder has \(network.inChannels) channels in and \(network.outChannels) out; pictures have 3."
      )
    }
    let resolution = data.resolution ?? network.sampleSize?[0] ?? 32
    try DataOptions.check(resolution, multipleOf: network.downsampling, for: "autoencoder")
    network.sampleSize = [resolution, resolution]
    // First, since it names what is wrong with the file of weights, which the options hash.
    let perceptual = try perceptual(resolution)
    var (options, own) = (
      TrainingOptions(Self.defaults, resolution: resolution, data, updates, place), try autoencoderOptions()
    )
    let plan = try AutoencoderKL(network, ParameterStore(.plan))
    let forecast = Forecast(
      network.cost(height: resolution, width: resolution), learning: plan.parameters.parameterCount, options)
    try forecast.refuse(options.extent)
    let run = try RunFolder(place, describedBy: "config.json", images: images)
    if perceptual == nil { Console.note("no perceptual term: --perceptual-weights names none") }
    let startHash = try start?.hash()
    run.settle(&options, updates.seed, compute)
    func known(_ options: TrainingOptions) throws -> RunIdentity {
      var identity = RunIdentity(options, own)
      identity.add("--init-from with the hash", startHash ?? "none")
      let encoder = JSONEncoder()
      identity.add("the network's", configuration: try encoder.encode(network))
      return identity
    }
    // Before the pictures are opened, which may take long.
    try run.refuse(known(options).without(updates.epochs == nil ? [] : ["--steps"]))

    let folder = try data.checked(images, resolution: resolution)
    let pictures = PictureStore(folder, resolution: resolution, crop: data.crop)
    let split = HeldOut(count: pictures.count, share: options.heldOut)
    options.steps = run.steps(try updates.steps(or: Self.defaults.steps, pictures: split.learned.count))
    var identity = try known(options)
    identity.add(pictures, classes: folder.classes)
    try run.refuse(identity)

    let lock = try run.claim(command)
    let model = try AutoencoderKL(network, ParameterStore(.fresh(seed: options.seed)))
    if let start, run.state == nil {
      try start.fill(model.parameters)
      Console.note("beginning with \(start.url.relativePath)")
    }
    let objective = AutoencoderObjective(model, pictures, own, options, perceptual: perceptual)
    let trainer = try Trainer(model.parameters, objective, options, resuming: run.state)
    var outputs = self.outputs.outputs
    outputs.checkpointEvery = self.outputs.checkpointEvery ?? outputs.previewEvery
    let training = try TrainingRun(
      trainer, AutoencoderProduct(objective, network), outputs, identity: identity, lock: lock,
      command: command.quoted, folder: run.url)
    try TrainingSession.run(training, of: run, on: split, classes: folder.classes.count, forecast)
  }

  private static let defaults: TrainingOptions = {
    var options = TrainingOptions()
    options.steps = 2_000
    options.learningRate = LearningRate(peak: 1e-3, warmup: 50, decay: .cosine)
    // What is saved are the weights themselves.
    options.emaDecay = 0
    return options
  }()

  private func autoencoderOptions() throws -> AutoencoderOptions {
    var options = AutoencoderOptions()
    (options.reconstruction, options.klWeight) = (reconstruction, klWeight)
    (options.discriminatorStart, options.discriminatorWeight) = (discriminatorStart, discriminatorWeight)
    options.perceptual = try perceptualWeights.map {
      try SHA256.hex(of: URL(argument: $0, "--perceptual-weights"))
    }
    options.perceptualWeight = perceptualWeight
    return options
  }

  private func perceptual(_ resolution: Int) throws -> LPIPS? {
    guard let perceptualWeights else { return nil }
    let network = try LPIPS(contentsOf: URL(argument: perceptualWeights, "--perceptual-weights"))
    guard resolution >= LPIPS.leastSide else {
      throw Failure(
        "--perceptual-weights needs pictures of \(LPIPS.leastSide) pixels a side or more, not \(resolution).")
    }
    return network
  }
}

extension AutoencoderKLPreset: ExpressibleByArgument {}
extension AutoencoderOptions.Reconstruction: ExpressibleByArgument {}
