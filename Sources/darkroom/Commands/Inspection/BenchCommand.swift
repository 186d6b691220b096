import ArgumentParser
import Foundation
import Models
import NN
import TensorCore

/// `darkroom bench`: what `scripts/bench.sh` times against PyTorch, and how products are computed; not for users, so hidden.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Time networks and products, and print how these are computed.",
    shouldDisplay: false,
    subcommands: [BenchNetworkCommand.self, PlanCommand.self, BenchConvolutionCommand.self],
    defaultSubcommand: BenchNetworkCommand.self)
}

/// `darkroom bench train|sample|decode|attention`.
struct BenchNetworkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "network", abstract: "Time a network's training step or forward pass.")

  enum Work: String, ExpressibleByArgument, CaseIterable { case train, sample, decode, attention }

  @Argument(
    help:
      "train (forward, backward, AdamW), sample (forward), decode (an autoencoder's, whole pictures) or attention (eight heads of 64, forward and backward)."
  )
  var work: Work

  @Option(help: "The network, by its preset's name.")
  var preset = UNet2DPreset.cifar32.rawValue

  @Option(
    help: "A folder with a network's config.json and weights, to be read in place of a preset's fresh ones.",
    completion: .directory)
  var network: String?

  @Option(help: "Pictures at a time.")
  var batchSize = 16

  @Option(help: "Queries and keys a picture, of attention.")
  var tokens = 256

  @Option(help: "Timed rounds after two for warming up.")
  var repeats = 5

  @OptionGroup var compute: ComputeOptions

  func run() throws {
    try compute.apply()
    let round =
      switch work {
      case .train, .sample: try denoising()
      case .decode: try decoding()
      case .attention: attending()
      }
    var (seconds, processor): ([Double], [Double]) = ([], [])
    for _ in 0..<repeats + 2 {
      let (clock, before) = (Stopwatch(), processorSeconds(usage()))
      round()
      seconds.append(clock.seconds)
      processor.append(processorSeconds(usage()) - before)
    }
    func median(_ rounds: [Double]) -> Double {
      rounds.dropFirst(2).sorted()[repeats / 2] / Double(batchSize)
    }
    try Console.print(
      "{\"seconds_per_image\": \(median(seconds)), \"cpu_seconds_per_image\": \(median(processor)), "
        + "\"peak_rss_bytes\": \(SystemMemory.peakOfProgram ?? usage().ru_maxrss << 10)}")
  }

  private func usage() -> rusage {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage
  }

  /// What all threads together have computed, by which programs can be compared on a machine that others use.
  private func processorSeconds(_ usage: rusage) -> Double {
    [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
  }

  /// A round of training or sampling.
  private func denoising() throws -> () -> Void {
    let (config, model) = try denoiser()
    let (height, width) = config.nativeSize ?? (32, 32)
    let x = noise([batchSize, config.inChannels, height, width])
    let target = noise([batchSize, config.predictedChannels, height, width])
    let timesteps = (0..<batchSize).map { Float($0 * 50 % 1000) }
    var condition = Condition(labels: config.isClassConditional ? timesteps.indices.map { $0 % 8 } : nil)
    if let reader = config as? UNet2DConditionConfig {
      condition.text = TextStates(noise([batchSize, 77, reader.textChannels]))
    }
    let predict = { model.predict(x, timesteps: timesteps, condition: condition, dropout: nil) }
    guard work == .train else { return { _ = withoutGradients(predict) } }
    let parameters = model.parameters.parameters.map(\.tensor)
    let optimizer = AdamW(parameters, AdamW.Options())
    return {
      let (_, gradients) = valueAndGradients(of: parameters) { meanSquaredError(predict(), target) }
      optimizer.step(gradients, norm: AdamW.norm(gradients), learningRate: 1e-4)
    }
  }

  /// The network of the folder or of the preset.
  private func denoiser() throws -> (any DenoiserConfig, any Denoiser) {
    if let network {
      let folder = try URL(argument: network, "--network")
      let config = try DenoiserFamilies.config(contentsOf: folder.appending(path: "config.json"))
      let weights = try Checkpoint(folder: folder, stem: "diffusion_pytorch_model")
      return (config, try config.build(ParameterStore(.checkpoint(weights))))
    }
    guard let config = DenoiserFamilies.config(preset: preset) else {
      throw unknown(DenoiserFamilies.presetNames)
    }
    return (config, try config.build(ParameterStore(.fresh(seed: 0))))
  }

  /// A round of decoding pictures of the size that the autoencoder was made for.
  private func decoding() throws -> () -> Void {
    guard let config = AutoencoderKLPreset(rawValue: preset)?.config else {
      throw unknown(AutoencoderKLPreset.allCases.map(\.rawValue))
    }
    let model = try AutoencoderKL(config, ParameterStore(.fresh(seed: 0)))
    let side = (config.sampleSize?[0] ?? 32) / config.downsampling
    let z = noise([batchSize, config.latentChannels, side, side])
    return { _ = withoutGradients { model.decode(z) } }
  }

  /// A round of attention of a picture's tokens to themselves.
  private func attending() -> () -> Void {
    let inputs = (0..<4).map { noise([batchSize, tokens, 512], step: $0) }
    return {
      _ = valueAndGradients(of: Array(inputs.prefix(3))) {
        meanSquaredError(attention(inputs[0], inputs[1], inputs[2], heads: 8, scale: 0.125), inputs[3])
      }
    }
  }

  private func noise(_ shape: [Int], step: Int = 0) -> Tensor {
    let key = NoiseKey(seed: 0, index: 0, step: UInt32(step), purpose: .trainingNoise)
    return Tensor(Philox(key).normal(shape.reduce(1, *)), shape: shape)
  }

  private func unknown(_ names: [String]) -> Failure {
    .usage("--preset \(preset) is not known; known are \(names.joined(separator: ", ")).")
  }
}
