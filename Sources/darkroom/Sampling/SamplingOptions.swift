import ArgumentParser
import Foundation
import Pictures
import Pipelines
import Schedulers

/// What is asked of a model, for every command that draws with one.
struct RequestOptions: ParsableArguments {
  @Option(
    name: .customLong("class"),
    help: "The class to draw, by name or number; repeat it to cycle through several. (default: all in turn)")
  var classes: [String] = []

  @OptionGroup var prompts: PromptOptions
  @OptionGroup var guidance: GuidanceOptions
  @OptionGroup var guide: ClassifierOptions
  @OptionGroup(title: "ControlNets") var control: ControlOptions

  func validate() throws {
    try require(
      !control.guessMode || guidance.negativeScale == nil,
      "--guess-mode and --negative-scale exclude each other.")
    try require(
      guidance.negativeScale == nil || !guidance.negativeClasses.isEmpty || prompts.negativePrompt != nil,
      "--negative-scale goes with --negative-class or --negative-prompt.")
    try require(
      guidance.autoguidance == nil || prompts.negativePrompt == nil,
      "--autoguidance and --negative-prompt exclude each other.")
  }
}

/// How steps are taken, for every command that takes them by one sampler.
struct SamplerOptions: ParsableArguments {
  @Option(
    name: [.long, .customLong("num-inference-steps")],
    help: "Steps that are taken. (default: 50, or all of a shorter schedule)")
  var steps: Int?

  @Option(
    help: ArgumentHelp(
      "How steps are taken, on the model's own noise. (default: the model's own)",
      discussion:
        "One of \(SamplerNames.list); the same by the names of diffusers, k-diffusion or A1111, such as euler_a or 'DPM++ 2M "
        + "Karras'; or a schedule's name, a scheduler_config.json, or a model's folder."),
    completion: .list(SamplerNames.all.map(\.name)))
  var sampler: String?

  @Option(
    help: "A schedule in place of the model's own: a preset's name or a scheduler_config.json.",
    completion: .list(Presets.all.map(\.name)))
  var schedule: String?

  @Option(
    help: ArgumentHelp(
      "DDIM's noise, from 0 (none) to 1 (as much as DDPM), or TCD's. (default: 0 for DDIM, 0.3 for TCD)",
      discussion: "TCD on a model that reads texts has 0, as in diffusers' pipelines."))
  var eta: Float?

  func validate() throws {
    try require((steps ?? 1) >= 1, "--steps must be at least 1.")
    try require((0...1).contains(eta ?? 0), "--eta must be from 0 to 1.")
  }

  /// The schedule that is asked for, or the model's own, by the sampler that is asked for.
  ///
  /// - Throws: `Failure` or `SchedulerError`.
  func scheduler(_ folder: ModelFolder) throws -> SchedulerConfig {
    let scheduler = try folder.schedulerComponent.config(
      schedule: schedule.map { try URL.path(ofNameOrFile: $0, "--schedule") },
      sampler: sampler.map { try URL.path(ofNameOrFile: $0, "--sampler") })
    if (eta ?? 0) > 0 && ![.ddim, .tcd].contains(scheduler.className) {
      throw Failure("--eta goes with the samplers ddim and tcd; add --sampler ddim.")
    }
    return scheduler
  }

  /// How many steps are asked for.
  func count(_ scheduler: SchedulerConfig) -> Int { steps ?? min(50, scheduler.mostSteps) }

  /// DDIM's η or TCD's γ, by default that of diffusers' pipelines: those of texts pass an η of 0 to both, the others none. Nil
  /// where it is the sampler's own, or there is none.
  func eta(_ scheduler: SchedulerConfig, readsText: Bool) -> Float? {
    eta ?? (readsText && scheduler.className == .tcd ? 0 : nil)
  }
}

/// What pictures of a seed are made, for every command that may make several.
struct NumberOptions: ParsableArguments {
  @Option(name: [.long, .customShort("n")], help: "How many pictures.")
  var count = 1

  @Option(parsing: .unconditional, help: "The seed of all noise; 'random' draws one and says which.")
  var seed = Seed(0)

  @Option(help: "The number of the first picture; picture i of a seed is the same in any run (philox alone).")
  var firstIndex = 0

  @Option(help: "The noise's generator: philox, or torch for diffusers' pictures.")
  var rng = Generator.philox

  @OptionGroup var noise: NoiseOptions

  @Option(
    help:
      "Pictures in memory at a time; changes nothing in them. (default: 16, or fewer where they are large)")
  var batchSize: Int?

  func validate() throws {
    try require((1...1_000_000).contains(count), "--count must be from 1 to 1000000.")
    try require((1...65_536).contains(batchSize ?? 1), "--batch-size must be from 1 to 65536.")
    try require(
      (0...Int(UInt32.max) - count).contains(firstIndex), "--first-index must be from 0 to \(UInt32.max).")
    try require(
      firstIndex == 0 || rng == .philox,
      "--first-index goes with --rng philox; PyTorch's generator has no pictures by number.")
  }

  /// Has the command make the picture of a recipe, and no other where it can.
  ///
  /// - Returns: the file that it will write, of those beside `output`.
  mutating func aim(at recipe: Recipe, among output: URL) throws -> URL {
    // PyTorch's generator has no pictures by number: all are drawn to get one.
    if rng == .torch { return try OutputKind(output.path).numbered(recipe.imageIndex) }
    (count, firstIndex) = (1, recipe.imageIndex)
    return output
  }
}

/// What every command has in common that makes pictures by one sampler.
struct SamplingOptions: ParsableArguments {
  @OptionGroup var numbers: NumberOptions
  @OptionGroup var stepping: SamplerOptions
  @OptionGroup var request: RequestOptions

  @Option(
    help: ArgumentHelp(
      "Show what the network makes of the pictures so far, every so many steps, in OUTPUT-preview.png.",
      discussion: "With a model of latents each takes a decoding.", valueName: "steps"))
  var preview: Int?

  @OptionGroup var way: StepsOptions
  @OptionGroup var tiling: TilingOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws { try require((preview ?? 1) >= 1, "--preview must be at least 1.") }

  /// Has the command write the way of the pictures alone where a recipe is of that, and the pictures alone otherwise.
  ///
  /// - Parameter file: where what the recipe is of is to be written.
  /// - Returns: where the pictures are to be written, and where their way is, if that is what the recipe is of.
  mutating func aim(at recipe: Recipe, _ file: URL) -> (output: String, way: URL?) {
    guard recipe.shows == StepRecorder.shows else {
      way.saveSteps = nil
      return (file.path, nil)
    }
    way.saveSteps = file.path
    return (file.deletingLastPathComponent().appending(path: "unseen.png").path, file)
  }
}

/// How several pictures are written.
struct ArrangementOptions: ParsableArguments {
  @Option(help: "Columns of the grid that several pictures make. (default: as square as can be)")
  var columns: Int?

  @Option(help: "Pixels between the pictures of the grid.")
  var padding = 2

  @Flag(
    help:
      "One file a picture, by the picture's number: out-0000.png, out-0001.png, …, each written as it is done."
  )
  var separate = false

  func validate() throws {
    try require((columns ?? 1) >= 1, "--columns must be at least 1.")
    try require((0...4096).contains(padding), "--padding must be from 0 to 4096.")
  }

  /// Of so many pictures.
  func arrangement(count: Int) -> PictureSink.Arrangement {
    separate && count > 1 ? .separate : .together(Grid(columns: columns, padding: padding))
  }
}

/// The size of what is made.
struct SizeOptions: ParsableArguments {
  @Option(help: "Size as WIDTHxHEIGHT. (default: the model's own)")
  var size: String?

  @Option(help: "Width in pixels, as part of --size.")
  var width: Int?

  @Option(help: "Height in pixels, as part of --size.")
  var height: Int?

  /// - Throws: `Failure` for another form, or for a size given twice.
  func parsed() throws -> (width: Int?, height: Int?) {
    guard let size else { return (width, height) }
    guard width == nil, height == nil else {
      throw Failure.usage("--size and --width or --height exclude each other.")
    }
    return try Self.parsed(size)
  }

  /// As `--size` takes it; nil where no size is asked for.
  var words: String? {
    guard let size else { return width.flatMap { width in height.map { "\(width)x\($0)" } } }
    return size
  }

  /// - Throws: `Failure` for another form.
  static func parsed(_ size: String) throws -> (width: Int?, height: Int?) {
    let parts = size.lowercased().split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let width = parts[0], let height = parts[1], width > 0, height > 0 else {
      throw Failure.usage("--size \(size) is not of the form WIDTHxHEIGHT, such as 64x48.")
    }
    return (width, height)
  }
}

extension Generator: ExpressibleByArgument {}
