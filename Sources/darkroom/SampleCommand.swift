import ArgumentParser
import Foundation
import Models
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
      The model is a folder that `darkroom train` or diffusers saved: \(DenoiserFamilies.classNames.joined(separator: " or ")), \
      of pixels or of an AutoencoderKL's latents, with any of the schedulers of `darkroom schedule list`. The \
      same seed gives the same pictures whatever --batch-size and --threads are. With --rng torch a seed and a count \
      give the pictures that diffusers gives for torch.Generator("cpu").manual_seed(seed).

      EXAMPLES
        darkroom sample run --count 16 --output pictures.png
        darkroom sample run --class star --guidance-scale 3 --seed random --output star.png
        darkroom sample run --count 1000 --separate --output many/picture.png
        darkroom sample stable-diffusion --prompt "a (red:1.2) star" --negative-prompt blurry --output star.png
        darkroom sample run --sampler "DPM++ 2M Karras" --steps 20 --output fast.png
        darkroom sample run --controlnet outlines --control-image edges.png --output steered.png
      """)

  @Argument(help: "The model's folder.", completion: .directory)
  var model: String

  @Option(
    name: .shortAndLong,
    help: "Where to write: .png, .jpg, or .safetensors for floats in [-1, 1] (key images).",
    completion: .file(extensions: ["png", "jpg", "jpeg", "safetensors"]))
  var output: String

  @Option(name: [.long, .customShort("n")], help: "How many pictures.")
  var count = 1

  @Option(help: "Columns of the grid that several pictures make. (default: as square as can be)")
  var columns: Int?

  @Option(help: "Pixels between the pictures of the grid.")
  var padding = 2

  @Flag(
    help:
      "One file a picture, by the picture's number: out-0000.png, out-0001.png, …, each written as it is done."
  )
  var separate = false

  @Option(parsing: .unconditional, help: "The seed of all noise; 'random' draws one and says which.")
  var seed = Seed(0)

  @Option(help: "The number of the first picture; picture i of a seed is the same in any run (philox alone).")
  var firstIndex = 0

  @Option(
    name: [.long, .customLong("num-inference-steps")],
    help: "Steps of the sampler. (default: 50, or all of a shorter schedule)")
  var steps: Int?

  @Option(
    help: ArgumentHelp(
      "How steps are taken, on the model's own noise. (default: the model's own)",
      discussion:
        "One of \(SamplerNames.list); the same by the names of diffusers, k-diffusion or A1111, such as euler_a or 'DPM++ 2M "
        + "Karras'; or a schedule's name, a scheduler_config.json, or a model's folder."),
    completion: .list(SamplerNames.all.map(\.name)))
  var sampler: String?

  @Option(help: "Visit these training timesteps, as 999,749,499,249 (in place of --steps).")
  var timesteps: String?

  @Option(
    help:
      "Visit these noise levels, as 14.6,4.1,1.2,0.3 (in place of --steps; Euler and flow-matching Euler).")
  var sigmas: String?

  @Option(
    help: "A schedule in place of the model's own: a preset's name or a scheduler_config.json.",
    completion: .list(Presets.all.map(\.name)))
  var schedule: String?

  @Option(
    help: "DDIM's noise, from 0 (none) to 1 (as much as DDPM), or TCD's. (default: 0 for DDIM, 0.3 for TCD)")
  var eta: Float?

  @Option(
    name: .customLong("class"),
    help: "The class to draw, by name or number; repeat it to cycle through several. (default: all in turn)")
  var classes: [String] = []

  @OptionGroup var prompts: PromptOptions

  @Option(
    help: "A file with a prompt a line, in place of --prompt; --count pictures are made of each.",
    completion: .file())
  var promptsFile: String?

  @OptionGroup var guidance: GuidanceOptions

  @Option(help: "The noise's generator: philox, or torch for diffusers' pictures.")
  var rng = Generator.philox

  @Option(help: "Size as WIDTHxHEIGHT. (default: the model's own)")
  var size: String?

  @Option(help: "Width in pixels, as part of --size.")
  var width: Int?

  @Option(help: "Height in pixels, as part of --size.")
  var height: Int?

  @Option(
    help:
      "Pictures in memory at a time; changes nothing in them. (default: 16, or fewer where they are large)")
  var batchSize: Int?

  @OptionGroup(title: "ControlNets") var control: ControlOptions
  @OptionGroup var tiling: TilingOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if count < 1 || count > 1_000_000 { throw ValidationError("--count must be from 1 to 1000000.") }
    if let columns, columns < 1 { throw ValidationError("--columns must be at least 1.") }
    if padding < 0 || padding > 4096 { throw ValidationError("--padding must be from 0 to 4096.") }
    if let batchSize, !(1...65_536).contains(batchSize) {
      throw ValidationError("--batch-size must be from 1 to 65536.")
    }
    if let eta, !(0...1).contains(eta) { throw ValidationError("--eta must be from 0 to 1.") }
    if [steps != nil, timesteps != nil, sigmas != nil].count(where: { $0 }) > 1 {
      throw ValidationError("--steps, --timesteps and --sigmas exclude each other.")
    }
    if promptsFile != nil && prompts.prompt != nil {
      throw ValidationError("--prompt and --prompts-file exclude each other.")
    }
    if firstIndex < 0 || firstIndex > Int(UInt32.max) - count {
      throw ValidationError("--first-index must be from 0 to \(UInt32.max).")
    }
    if control.guessMode && guidance.negativeScale != nil {
      throw ValidationError("--guess-mode and --negative-scale exclude each other.")
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
      try ModelFolder(URL(argument: model, "<model>")), classes: classes, prompts: prompts,
      lines: promptsFile.map(Prompting.lines), perPrompt: count, guidance: guidance,
      size: try SizeOptions.parsed(size, width: width, height: height))
    let count = count * (sampling.prompting?.prompts.count ?? 1)
    let steering = try SteeringFiles(control, sampling)
    let tiles = try tiling.tiles(sampling.folder.vae?.config)
    let scheduler = try sampling.folder.schedulerComponent.config(
      schedule: schedule.map(URL.expanded), sampler: sampler.map(URL.expanded))
    if (eta ?? 0) > 0 && ![.ddim, .tcd].contains(scheduler.className) {
      throw Failure("--eta goes with the samplers ddim and tcd; add --sampler ddim.")
    }
    let visits = try visits(scheduler)
    let steps = try scheduler.sampler(visits, eta: eta)
    let evaluations = steps.evaluations.count
    let arrangement: PictureSink.Arrangement =
      separate && count > 1 ? .separate : .together(Grid(columns: columns, padding: padding))
    var sink = try PictureSink(target, arrangement, count: count, size: sampling.size)
    let together = try together(sampling, count, evaluations, target.form, tiles)
    // What could be refused was refused; from here on it costs time.
    let parts = try sampling.folder.hashes()
    let inputs = try steering.hashes()
    seed.announce()

    let told = try sampling.prompts(steps)
    let networks = try sampling.networks(batchSize: together)
    let steered = try steering.loaded(batchSize: together)
    let codec = try sampling.folder.codec(tiles: tiles)
    let progress = SampleProgress(count: count, evaluations: evaluations)
    Interruption.watch()
    for first in stride(from: 0, to: count, by: rng == .torch ? count : together) {
      let end = rng == .torch ? count : min(first + together, count)
      let numbers = firstIndex + first..<firstIndex + end
      let predictor = sampling.predictor(
        networks, numbers, prompts: told, sampler: steps, steering: steered)
      let loop = try DenoisingLoop(
        scheduler, visits, eta: eta, predictor: predictor, condition: sampling.condition(numbers))
      var noise = rng.source(seed: seed.value, firstIndex: numbers.lowerBound)
      let latents = loop.run(sampling.shape(count: numbers.count), noise: &noise) { done, total in
        progress.report(first..<end, done, of: total)
        if Interruption.wanted { stop(sink, count) }
      }
      try sink.take(codec?.decoded(latents) ?? latents, first: numbers.lowerBound) { number in
        recipe(number, sampling, scheduler, parts, inputs, steps: visits.steps)
      }
    }
    try sink.finish()
    Console.endTransient()
    let last = firstIndex + count - 1
    Console.note(
      "\(sink.summary): \(count.counted("picture")), seed \(seed.value)"
        + (last == firstIndex ? ", number \(last)" : ", numbers \(firstIndex) to \(last)")
        + ", in \(Console.duration(progress.seconds))")
  }

  /// How many pictures go through the network at a time, which decides memory and nothing else.
  private func together(
    _ sampling: Sampling, _ count: Int, _ evaluations: Int, _ form: OutputKind.Form, _ tiles: TilingChoice
  ) throws -> Int {
    let (height, width) = sampling.latentSize
    // Sixteen of 256×256, or one of 1024×1024.
    let together = min(count, batchSize ?? min(16, max(1, (1 << 20) / (height * width))))
    // A tensor of all pictures is written at once, and PyTorch's generator draws for all of them at once.
    let values = Double(count) * Double(sampling.size.height * sampling.size.width) * 3
    let results = rng == .torch ? 4 * values : form == .safetensors && !separate ? 2 * values : 0
    let calls = evaluations * sampling.sides
    let forecast = Forecast(
      sampling.folder, size: (height, width), count: count, together: together, evaluations: calls,
      results: results)
    let what = "\(count.counted("picture")) of \(sampling.size.width)x\(sampling.size.height)"
    try forecast?.refuse(what)
    forecast?.announce(what)
    if let vae = sampling.folder.vae { tiles.announce(vae.config, size: sampling.size, count: count) }
    return together
  }

  /// Ends between two steps, where nothing is half written.
  private func stop(_ sink: PictureSink, _ count: Int) -> Never {
    Console.endTransient()
    Console.note("stopped; \(sink.files.count.counted("picture")) of \(count) written: \(sink.summary)")
    Foundation.exit(ExitStatus.interrupted.rawValue)
  }

  private func visits(_ scheduler: SchedulerConfig) throws -> Visits {
    if let timesteps { return .timesteps(try timesteps.numbers("--timesteps")) }
    if let sigmas { return .sigmas(try sigmas.numbers("--sigmas")) }
    return .count(steps ?? min(50, scheduler.mostSteps))
  }

  private func recipe(
    _ number: Int, _ sampling: Sampling, _ scheduler: SchedulerConfig, _ parts: [String: String],
    _ inputs: [String: String], steps: Int
  ) -> Recipe {
    var recipe = Recipe(
      version: DarkroomVersion.current, model: model,
      modelHash: parts[sampling.folder.denoiserComponent.place.name], parts: parts,
      inputs: inputs.isEmpty ? nil : inputs, arithmetic: Processor.current.arithmetic.rawValue,
      seed: seed.value,
      imageIndex: number,
      rng: rng.rawValue, steps: steps, sampler: scheduler.samplerName,
      eta: scheduler.className == .ddim ? Double(eta ?? 0) : eta.map(Double.init),
      scheduler: scheduler.json, width: sampling.size.width, height: sampling.size.height,
      commandLine: seed.command)
    sampling.record(number, in: &recipe)
    return recipe
  }
}

/// How far a run of several batches is.
private struct SampleProgress {
  let count: Int
  let evaluations: Int
  private let clock = Stopwatch()

  init(count: Int, evaluations: Int) { (self.count, self.evaluations) = (count, evaluations) }

  var seconds: Double { clock.seconds }

  func report(_ pictures: Range<Int>, _ done: Int, of total: Int) {
    let work = Double(pictures.lowerBound * total + pictures.count * done)
    let left = clock.seconds / work * (Double(count * total) - work)
    let which =
      pictures.count == count
      ? "" : "pictures \(pictures.lowerBound + 1) to \(pictures.upperBound) of \(count), "
    Console.progress("\(which)step \(done)/\(total), \(Console.duration(left)) left")
  }
}

extension SampleCommand: ReplayableCommand {
  mutating func aim(at recipe: Recipe, _ file: URL) throws -> URL {
    output = file.path
    guard separate && (count > 1 || promptsFile != nil) else { return file }
    // PyTorch's generator has no pictures by number: all are drawn to get one.
    if rng == .torch { return try OutputKind(output).numbered(recipe.imageIndex) }
    (separate, count, firstIndex) = (false, 1, recipe.imageIndex)
    if promptsFile != nil { (promptsFile, prompts.prompt) = (nil, recipe.prompt) }
    return file
  }
}

extension Generator: ExpressibleByArgument {}
