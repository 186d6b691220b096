import ArgumentParser
import Foundation
import Pictures
import Pipelines

/// `darkroom interpolate`: the pictures on the way from one to another.
struct InterpolateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "interpolate",
    abstract: "Make the frames between seeds, classes or prompts, as a grid, files or an animation.",
    discussion: """
      Noise goes along the sphere from seed to seed, classes and prompts in a straight line between what the network is \
      told of them. The first frame is the picture that 'darkroom sample' makes of the first seed, class or prompt, the \
      last that of the last; stops in between are passed evenly.

      EXAMPLES
        darkroom interpolate run --seeds 1,2 --class star --frames 8 --output between.png
        darkroom interpolate run --from star --to heart --frames 24 --animate --output morph.png
        darkroom interpolate run --seeds 1,2,3,1 --frames 60 --animate --fps 20 --output walk.png
        darkroom interpolate stable-diffusion --from "a lake in summer" --to "a lake in winter" --separate \
      --frames 12 --output lake.png
      """)

  @Argument(help: "The model's folder.", completion: .directory)
  var model: String

  @Option(
    name: .shortAndLong,
    help: "Where to write: .png, .jpg, or .safetensors for floats in [-1, 1] (key images).",
    completion: .file(extensions: ["png", "jpg", "jpeg", "safetensors"]))
  var output: String

  @Option(help: "How many frames, the first and the last included.")
  var frames = 16

  @Option(
    help:
      "The seeds on the way, with commas between them. (default: --seed alone, or with the next where nothing else changes)"
  )
  var seeds: String?

  @Option(help: "The class or prompt, by what the model is told, that it begins with.")
  var from: String?

  @Option(help: "The class or prompt that it leads to; repeat it for several stops.")
  var to: [String] = []

  @OptionGroup var animation: AnimationOptions
  @OptionGroup var arrangement: ArrangementOptions
  @OptionGroup var sizing: SizeOptions
  @OptionGroup var options: SamplingOptions

  func validate() throws {
    try require((from == nil) == to.isEmpty, "--from and --to go together.")
    try require(
      from == nil || options.request.classes.isEmpty && options.request.prompts.prompt == nil,
      "--from and --to take the place of --class and --prompt.")
    try require(
      options.request.classes.count <= 1,
      "--class takes one class here; --from and --to lead from one to another.")
    try require((2...100_000).contains(frames), "--frames must be from 2 to 100000.")
    try require(
      options.numbers.count == 1 && options.numbers.firstIndex == 0,
      "--count and --first-index do not go with frames; --frames says how many there are.")
    try require(
      options.numbers.noise.latents == nil && options.numbers.noise.variationSeed == nil,
      "--latents and --variation-seed do not go with frames, which begin with the noise of --seeds.")
    try require(
      !animation.animate || !arrangement.separate, "--animate and --separate exclude each other.")
  }

  func run() throws {
    try options.compute.apply()
    let target = try OutputKind(output)
    try animation.check(target)
    let folder = try ModelFolder(URL(argument: model, "<model>"))
    guard from == nil || folder.text != nil || folder.config.isClassConditional else {
      throw Failure("\(model) knows no classes and reads no texts; leave --from and --to out.")
    }
    var options = options
    let stops = [from].compactMap { $0 } + to
    var lines: [String]?
    if folder.text != nil, !stops.isEmpty {
      lines = stops
    } else if !stops.isEmpty {
      options.request.classes = stops
    } else if folder.config.isClassConditional, options.request.classes.isEmpty {
      // All in turn, as 'sample' has it, would be a way through all of them.
      options.request.classes = ["0"]
    }
    let seeds = try stopSeeds(changesNothingElse: stops.isEmpty)
    var sampling = try Sampling(
      folder, named: model, options.request, lines: lines, size: try sizing.parsed())
    sampling.frames = frames
    let scheduler = try options.stepping.scheduler(folder)
    var run = try SamplingRun(options, sampling, scheduler)
    run.noise = { numbers in
      NoiseWalk(
        seeds.map { options.numbers.rng.source(seed: $0) },
        numbers.map { WalkPlace($0, of: frames, stops: seeds.count) })
    }
    var sink = try PictureSink(
      target, animation.arrangement ?? arrangement.arrangement(count: frames), count: frames,
      size: sampling.size)
    try run.draw(into: &sink)
  }

  private func stopSeeds(changesNothingElse: Bool) throws -> [UInt64] {
    let first = options.numbers.seed.value
    guard let seeds else { return changesNothingElse ? [first, first &+ 1] : [first] }
    let numbers: [UInt64] = try seeds.numbers("--seeds")
    guard !numbers.isEmpty else { throw Failure.usage("--seeds must name one at least.") }
    return numbers
  }
}

extension InterpolateCommand: ReplayableCommand {
  mutating func aim(at recipe: Recipe, _ file: URL) throws -> URL {
    let way: URL?
    (output, way) = options.aim(at: recipe, file)
    if let way { return way }
    // A frame's place depends on how many there are.
    return arrangement.separate ? try OutputKind(output).numbered(recipe.imageIndex) : file
  }
}

/// How frames become an animation, for every command that makes some.
struct AnimationOptions: ParsableArguments {
  @Flag(help: "One animated PNG of all frames.")
  var animate = false

  @Option(help: "With --animate: frames a second.")
  var fps = 10.0

  @Option(help: "With --animate: how often it is shown; 0 for ever.")
  var loop = 0

  func validate() throws {
    try require((0.02...1000).contains(fps), "--fps must be from 0.02 to 1000.")
    try require((0...1_000_000).contains(loop), "--loop must be from 0 to 1000000.")
  }

  /// - Throws: `Failure` for a file that cannot be animated.
  func check(_ target: OutputKind) throws {
    guard !animate || target.form == .png else {
      throw Failure.usage(
        "--animate writes an animated PNG: --output \(target.url.relativePath) must end in .png.")
    }
  }

  /// nil where nothing is to be animated.
  var arrangement: PictureSink.Arrangement? {
    animate ? .animated(delay: Int((1000 / fps).rounded()), loops: loop) : nil
  }
}
