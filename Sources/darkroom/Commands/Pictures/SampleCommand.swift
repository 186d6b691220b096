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
        darkroom sample run --classifier guide --classifier-scale 2 --class star --output led.png
        darkroom sample run --size 16x16 --upscale 2 --upscale-strength 0.4 --output large.png
        darkroom sample run --seed 3 --save-steps way.png --output last.png
      """)

  @Argument(help: "The model's folder.", completion: .directory)
  var model: String

  @Option(
    name: .shortAndLong,
    help: "Where to write: .png, .jpg, or .safetensors for floats in [-1, 1] (key images).",
    completion: .file(extensions: ["png", "jpg", "jpeg", "safetensors"]))
  var output: String

  @OptionGroup var arrangement: ArrangementOptions
  @OptionGroup var sizing: SizeOptions

  @Option(help: "Visit these training timesteps, as 999,749,499,249 (in place of --steps).")
  var timesteps: String?

  @Option(
    help:
      "Visit these noise levels, as 14.6,4.1,1.2,0.3 (in place of --steps; Euler and flow-matching Euler).")
  var sigmas: String?

  @Option(
    help: "A file with a prompt a line, in place of --prompt; --count pictures are made of each.",
    completion: .file())
  var promptsFile: String?

  @OptionGroup(title: "A second pass") var upscaling: UpscaleOptions
  @OptionGroup var options: SamplingOptions

  func validate() throws {
    try require(
      [options.stepping.steps != nil, timesteps != nil, sigmas != nil].count(where: { $0 }) <= 1,
      "--steps, --timesteps and --sigmas exclude each other.")
    try require(
      promptsFile == nil || options.request.prompts.prompt == nil,
      "--prompt and --prompts-file exclude each other.")
  }

  func run() throws {
    try options.compute.apply()
    let target = try OutputKind(output)
    let sampling = try Sampling(
      try ModelFolder(URL(argument: model, "<model>")), named: model, options.request,
      lines: promptsFile.map(Prompting.lines), perPrompt: options.numbers.count, size: try sizing.parsed())
    let scheduler = try options.stepping.scheduler(sampling.folder)
    let run = try SamplingRun(options, sampling, scheduler, try visits())
    let large = try upscaling.size(after: sampling).map(sampling.at)
    var sink = try PictureSink(
      target, arrangement.arrangement(count: run.count), count: run.count,
      size: (large ?? sampling).size)
    guard let large else { return try run.draw(into: &sink) }
    try upscaling.draw(run, large, into: &sink)
  }

  /// Where steps are, if that is said.
  private func visits() throws -> Visits? {
    if let timesteps { return .timesteps(try timesteps.numbers("--timesteps")) }
    return try sigmas.map { .sigmas(try $0.numbers("--sigmas")) }
  }
}

extension SampleCommand: ReplayableCommand {
  mutating func aim(at recipe: Recipe, _ file: URL) throws -> URL {
    let way: URL?
    (output, way) = options.aim(at: recipe, file)
    if let way { return way }
    guard arrangement.separate && (options.numbers.count > 1 || promptsFile != nil) else { return file }
    let made = try options.numbers.aim(at: recipe, among: file)
    if options.numbers.rng == .philox {
      arrangement.separate = false
      if promptsFile != nil { (promptsFile, options.request.prompts.prompt) = (nil, recipe.prompt) }
    }
    return made
  }
}
