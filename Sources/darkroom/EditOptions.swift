import ArgumentParser
import Files
import Foundation
import Models
import Pictures
import Pipelines
import Schedulers
import TensorCore

/// What every command has in common that makes pictures of a picture.
struct EditOptions: ParsableArguments {
  @Option(name: [.long, .customShort("n")], help: "How many pictures.")
  var count = 1

  @Option(parsing: .unconditional, help: "The seed of all noise; 'random' draws one and says which.")
  var seed = Seed(0)

  @Option(help: "The number of the first picture; picture i of a seed is the same in any run (philox alone).")
  var firstIndex = 0

  @Option(
    name: [.long, .customLong("num-inference-steps")],
    help: "Steps that are taken. (default: 50, or all of a shorter schedule)")
  var steps: Int?

  @Option(
    help: ArgumentHelp(
      "What --steps counts: taken, or diffusers for the steps of the whole schedule.",
      discussion: "With diffusers, strength 0.3 of 50 steps takes 15, as diffusers' pipelines do."))
  var stepsMode = Strength.StepsMode.taken

  @Option(
    help: ArgumentHelp(
      "How steps are taken, on the model's own noise. (default: the model's own)",
      discussion:
        "One of \(SamplerNames.list); or a schedule's name, a scheduler_config.json, or a model's folder."),
    completion: .list(SamplerNames.all.map(\.name)))
  var sampler: String?

  @Option(help: "A schedule in place of the model's own: a preset's name or a scheduler_config.json.")
  var schedule: String?

  @Option(
    help: "DDIM's noise, from 0 (none) to 1 (as much as DDPM), or TCD's. (default: 0 for DDIM, 0.3 for TCD)")
  var eta: Float?

  @Option(
    name: .customLong("class"),
    help: "The class to draw, by name or number; repeat it to cycle through several. (default: all in turn)")
  var classes: [String] = []

  @OptionGroup var prompts: PromptOptions
  @OptionGroup var guidance: GuidanceOptions

  @Option(help: "The noise's generator: philox, or torch for diffusers' pictures.")
  var rng = Generator.philox

  @Option(
    help:
      "Pictures in memory at a time; changes nothing in them. (default: 16, or fewer where they are large)")
  var batchSize: Int?

  @Option(help: "What transparency is laid on: a colour as RRGGBB.")
  var background = "ffffff"

  @OptionGroup var tiling: TilingOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if count < 1 || count > 10_000 { throw ValidationError("--count must be from 1 to 10000.") }
    if let batchSize, !(1...65_536).contains(batchSize) {
      throw ValidationError("--batch-size must be from 1 to 65536.")
    }
    if let steps, steps < 1 { throw ValidationError("--steps must be at least 1.") }
    if let eta, !(0...1).contains(eta) { throw ValidationError("--eta must be from 0 to 1.") }
    if firstIndex < 0 || firstIndex > Int(UInt32.max) - count {
      throw ValidationError("--first-index must be from 0 to \(UInt32.max).")
    }
    if firstIndex != 0 && rng == .torch {
      throw ValidationError(
        "--first-index goes with --rng philox; PyTorch's generator has no pictures by number.")
    }
    if color == nil { throw ValidationError("--background \(background) is no colour such as ff8000.") }
  }

  /// What transparency is laid on.
  var color: RGB? {
    guard background.count == 6, let number = UInt32(background, radix: 16) else { return nil }
    return RGB(UInt8(number >> 16), UInt8(number >> 8 & 255), UInt8(number & 255))
  }

  /// - Throws: `ValidationError` for a strength that is none.
  static func check(strength: Double) throws {
    guard strength > 0, strength <= 1 else {
      throw ValidationError("--strength \(strength) must be above 0 and at most 1.")
    }
  }
}

extension Strength.StepsMode: ExpressibleByArgument {}

/// A run that begins with a picture: what is asked of the model, found and checked before any weights are loaded.
struct Edit {
  let options: EditOptions
  let sampling: Sampling
  let scheduler: SchedulerConfig
  let strength: Strength
  let sampler: any Sampler
  private let tiles: TilingChoice
  private let parts: [String: String]

  /// - Throws: `Failure`, or the errors of the folder and the scheduler.
  init(_ options: EditOptions, _ sampling: Sampling, strength: Double) throws {
    (self.options, self.sampling) = (options, sampling)
    tiles = try options.tiling.tiles(sampling.folder.vae?.config)
    parts = try sampling.folder.hashes()
    scheduler = try sampling.folder.schedulerComponent.config(
      schedule: options.schedule.map(URL.expanded), sampler: options.sampler.map(URL.expanded))
    if (options.eta ?? 0) > 0 && ![.ddim, .tcd].contains(scheduler.className) {
      throw Failure("--eta goes with the samplers ddim and tcd; add --sampler ddim.")
    }
    let steps = options.steps ?? min(50, scheduler.mostSteps)
    self.strength = Strength(
      strength, steps: steps, mode: options.stepsMode, most: scheduler.mostSteps)
    sampler = try scheduler.sampler(.count(self.strength.total), eta: options.eta)
    if self.strength.taken == 0 {
      throw Failure(
        "--strength \(strength) of \(steps) steps is none; raise one of them, or leave --steps-mode diffusers out."
      )
    }
    if options.stepsMode == .taken, self.strength.taken < steps {
      Console.note(
        "\(self.strength.taken) steps are taken: strength \(strength) of this schedule's \(self.strength.total) has no more"
      )
    }
  }

  /// The numbers of the pictures.
  var numbers: Range<Int> { options.firstIndex..<options.firstIndex + options.count }

  /// The noise of the run.
  var noise: any NoiseSource {
    options.rng.source(seed: options.seed.value, firstIndex: options.firstIndex)
  }

  /// The autoencoder with its weights; nil for a model of pixels.
  func codec() throws -> LatentSpace? { try sampling.folder.codec(tiles: tiles) }

  /// What the network sees of a picture of the size that is worked at, `[1, C, H, W]`.
  ///
  /// With PyTorch's generator latents are drawn from the posterior, as diffusers draws them; otherwise they are its mean.
  func encoded(_ picture: Picture, _ codec: LatentSpace?, noise: inout any NoiseSource) -> Tensor {
    let channels = sampling.folder.vae?.config.outChannels ?? sampling.folder.config.inChannels
    let x = Tensor(
      picture.planarFloats(channels: channels), shape: [1, channels, picture.height, picture.width])
    guard let codec else { return x }
    guard options.rng == .torch else { return codec.encoded(x) }
    let posterior = codec.posterior(x)
    let draw = noise.normal(posterior.mean.shape, .posterior, step: 0)
    return codec.autoencoder.scaled(posterior.sample(draw))
  }

  /// Denoises from a start.
  func run(
    from start: Start, along route: Route? = nil, noise: inout any NoiseSource,
    afterVisit: DenoisingLoop.AfterVisit? = nil
  ) throws -> Tensor {
    let (height, width) = sampling.latentSize
    // As `sample` has it: sixteen of 256×256, or one of 1024×1024.
    let together = options.batchSize ?? min(16, max(1, (1 << 20) / (height * width)))
    options.seed.announce()
    let told = try sampling.prompts(sampler)
    let networks = try sampling.networks(batchSize: together)
    let loop = try DenoisingLoop(
      scheduler, .count(strength.total), eta: options.eta,
      predictor: sampling.predictor(networks, numbers, prompts: told, sampler: sampler),
      condition: sampling.condition(numbers), afterVisit: afterVisit)
    let clock = Stopwatch()
    defer { Console.endTransient() }
    return loop.run(from: start, along: route ?? strength.route(sampler), noise: &noise) { done, total in
      let left = clock.seconds / Double(done) * Double(total - done)
      Console.progress("step \(done)/\(total), \(Console.duration(left)) left")
    }
  }

  /// How the picture of a number was made, but for what the command alone knows.
  ///
  /// - Parameters:
  ///   - image: the picture that it was made of.
  ///   - inputs: SHA-256 of the files that it was made of, by their paths.
  ///   - strength: as it was asked for.
  func recipe(
    _ number: Int, model: String, image: String, inputs: [String: String], strength: Double
  ) -> Recipe {
    var recipe = Recipe(
      version: DarkroomVersion.current, model: model,
      modelHash: parts[sampling.folder.denoiserComponent.place.name],
      parts: parts, arithmetic: Processor.current.arithmetic.rawValue, seed: options.seed.value,
      imageIndex: number, rng: options.rng.rawValue, steps: self.strength.taken,
      sampler: scheduler.samplerName,
      eta: scheduler.className == .ddim ? Double(options.eta ?? 0) : options.eta.map(Double.init),
      scheduler: scheduler.json, width: sampling.size.width, height: sampling.size.height,
      commandLine: options.seed.command)
    (recipe.image, recipe.inputs) = (image, inputs)
    (recipe.strength, recipe.scheduleSteps) = (strength, self.strength.total)
    sampling.record(number, in: &recipe)
    return recipe
  }
}
