import ArgumentParser
import Files
import Foundation
import Models
import NN
import Pictures
import Pipelines
import Schedulers
import TensorCore

/// `darkroom sample`: a model folder to pictures.
struct SampleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample",
    abstract: "Make pictures with a model.",
    discussion: """
      The model is a folder that `darkroom train` or diffusers saved: a UNet2DModel or a DiTTransformer2DModel, of pixels or of an AutoencoderKL's latents, with any of the schedulers of `darkroom schedule list`. The \
      same seed gives the same pictures whatever --batch-size and --threads are. With --rng torch a seed and a count \
      give the pictures that diffusers gives for torch.Generator("cpu").manual_seed(seed).
      """)

  @Argument(help: "The model's folder.")
  var model: String

  @Option(
    name: .shortAndLong,
    help: "Where to write: .png, .jpg, or .safetensors for floats in [-1, 1] (key images).")
  var output: String

  @Option(help: "How many pictures.")
  var count = 1

  @Option(help: "Columns of the grid that several pictures make. (default: as square as can be)")
  var columns: Int?

  @Option(help: "Pixels between the pictures of the grid.")
  var padding = 2

  @Flag(help: "One file a picture, numbered: out-0000.png, out-0001.png, …")
  var separate = false

  @Option(help: "The seed of all noise.")
  var seed: UInt64 = 0

  @Option(help: "The number of the first picture; picture i of a seed is the same in any run (philox alone).")
  var firstIndex = 0

  @Option(help: "Steps of the sampler. (default: 50, or all of a shorter schedule)")
  var steps: Int?

  @Option(
    help: ArgumentHelp(
      "How steps are taken, on the model's own noise. (default: the model's own)",
      discussion:
        "One of \(SamplerNames.list); or a schedule's name, a scheduler_config.json, or a model's folder."))
  var sampler: String?

  @Option(help: "Visit these training timesteps, as 999,749,499,249 (in place of --steps).")
  var timesteps: String?

  @Option(
    help:
      "Visit these noise levels, as 14.6,4.1,1.2,0.3 (in place of --steps; Euler and flow-matching Euler).")
  var sigmas: String?

  @Option(help: "A schedule in place of the model's own: a preset's name or a scheduler_config.json.")
  var schedule: String?

  @Option(
    help: "DDIM's noise, from 0 (none) to 1 (as much as DDPM), or TCD's. (default: 0 for DDIM, 0.3 for TCD)")
  var eta: Float?

  @Option(
    name: .customLong("class"),
    help: "The class to draw, by name or number; repeat it to cycle through several. (default: all in turn)")
  var classes: [String] = []

  @Option(help: "How strongly the class is followed: 1 is plain, 2 to 5 exaggerates it.")
  var guidanceScale: Float = 1

  @Option(help: "The noise's generator: philox, or torch for diffusers' pictures.")
  var rng = Generator.philox

  @Option(help: "Size as WIDTHxHEIGHT. (default: the model's own)")
  var size: String?

  @Option(help: "Pictures in memory at a time; changes nothing in them.")
  var batchSize = 16

  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if count < 1 || count > 100_000 { throw ValidationError("--count must be from 1 to 100000.") }
    if let columns, columns < 1 { throw ValidationError("--columns must be at least 1.") }
    if padding < 0 || padding > 4096 { throw ValidationError("--padding must be from 0 to 4096.") }
    if batchSize < 1 { throw ValidationError("--batch-size must be at least 1.") }
    if let eta, !(0...1).contains(eta) { throw ValidationError("--eta must be from 0 to 1.") }
    if [steps != nil, timesteps != nil, sigmas != nil].count(where: { $0 }) > 1 {
      throw ValidationError("--steps, --timesteps and --sigmas exclude each other.")
    }
    if !guidanceScale.isFinite { throw ValidationError("--guidance-scale must be a number.") }
    if firstIndex < 0 || firstIndex > Int(UInt32.max) - count {
      throw ValidationError("--first-index must be from 0 to \(UInt32.max).")
    }
    if firstIndex != 0 && rng == .torch {
      throw ValidationError(
        "--first-index goes with --rng philox; PyTorch's generator has no pictures by number.")
    }
  }

  func run() throws {
    try compute.apply()
    let target = try OutputKind(output)
    let sampling = try Sampling(
      URL(fileURLWithPath: model), classes: classes, count: count, guidanceScale: guidanceScale, size: size)
    let scheduler = try scheduler(sampling.folder)
    if (eta ?? 0) > 0 && ![.ddim, .tcd].contains(scheduler.className) {
      throw Failure("--eta goes with the samplers ddim and tcd; add --sampler ddim.")
    }
    let visits = try visits(scheduler)
    // What could be refused was refused; from here on it costs time.
    _ = try scheduler.sampler(visits, eta: eta)
    try target.check()

    let predictor = try sampling.predictor(batchSize: batchSize)
    let loop = try DenoisingLoop(
      scheduler, visits, eta: eta, predictor: predictor, condition: sampling.condition)
    var noise = rng.source(seed: seed, firstIndex: firstIndex)
    let clock = Stopwatch()
    let latents = loop.run(sampling.shape(count: count), noise: &noise) { done, total in
      let left = clock.seconds / Double(done) * Double(total - done)
      Console.transient("step \(done)/\(total), \(Console.duration(left)) left")
    }
    Console.endTransient()
    let recipes = try recipes(sampling, scheduler, steps: visits.steps)
    try target.write(
      try sampling.decoded(latents), recipes, columns: columns, padding: padding, separate: separate)
  }

  private func scheduler(_ folder: ModelFolder) throws -> SchedulerConfig {
    try folder.schedulerComponent.config(schedule: schedule, sampler: sampler)
  }

  private func visits(_ scheduler: SchedulerConfig) throws -> Visits {
    func numbers<T: LosslessStringConvertible>(_ text: String, _ option: String) throws -> [T] {
      try text.split(separator: ",").map { part in
        guard let number = T(part.trimmingCharacters(in: .whitespaces)) else {
          throw Failure("\(option) \(text) is not a list of numbers with commas between them.")
        }
        return number
      }
    }
    if let timesteps { return .timesteps(try numbers(timesteps, "--timesteps")) }
    if let sigmas { return .sigmas(try numbers(sigmas, "--sigmas")) }
    return .count(steps ?? min(50, scheduler.mostSteps))
  }

  private func recipes(
    _ sampling: Sampling, _ scheduler: SchedulerConfig, steps: Int
  ) throws -> [Recipe] {
    let labels = sampling.labels
    let hash = try sampling.folder.denoiserComponent.checkpoint.hash()
    return (0..<count).map { i in
      Recipe(
        version: DarkroomVersion.current, model: model, modelHash: hash, seed: seed,
        imageIndex: firstIndex + i,
        rng: rng.rawValue, steps: steps, sampler: scheduler.samplerName,
        eta: scheduler.className == .ddim ? Double(eta ?? 0) : eta.map(Double.init),
        scheduler: scheduler.json,
        guidanceScale: labels.indices == nil ? nil : Double(guidanceScale), classLabel: labels.indices?[i],
        className: labels.name(i), width: sampling.size.width, height: sampling.size.height,
        commandLine: CommandLine.quoted)
    }
  }
}

extension Generator: ExpressibleByArgument {}
