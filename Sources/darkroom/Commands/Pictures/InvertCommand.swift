import ArgumentParser
import Foundation
import NN
import Pictures
import Pipelines
import Schedulers
import TensorCore

/// `darkroom invert`: the noise that a model makes a picture of.
struct InvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "invert",
    abstract: "Find the noise that gives a picture.",
    discussion: """
      The steps of a deterministic sampler are taken back from the picture to noise, each searched for until it leads where \
      it should. 'darkroom sample' makes the picture again of the noise, with --latents and what else the result names; \
      with another class or prompt, or a little guidance, it makes one that has much in common with it. How near the \
      picture comes back is measured and said. Unless --steps says otherwise 20 are taken: few steps lose nothing, and \
      many small ones blow up what the model would not have drawn.

      EXAMPLES
        darkroom invert run star.png --class star --output noise.safetensors
        darkroom sample run --latents noise.safetensors --sampler ddim --steps 20 --class heart --output heart.png
        darkroom invert stable-diffusion photo.jpg --prompt "a cat on a chair" --output noise.safetensors
      """)

  @Argument(help: "The model's folder.", completion: .directory)
  var model: String

  @Argument(help: "The picture: PNG or JPEG.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
  var image: String

  @Option(
    name: .shortAndLong, help: "Where to write the noise: .safetensors (key latents).",
    completion: .file(extensions: ["safetensors"]))
  var output: String

  @Option(help: "How often the beginning of a step is improved, at most; 0 is plain DDIM inversion.")
  var iterations = 30

  @OptionGroup var fitting: FittingOptions

  @Option(help: "What transparency is laid on: a colour as RRGGBB.")
  var background = "ffffff"

  @OptionGroup var sizing: SizeOptions
  @OptionGroup var stepping: SamplerOptions
  @OptionGroup var request: RequestOptions
  @OptionGroup var tiling: TilingOptions
  @OptionGroup var compute: ComputeOptions

  /// Unless asked otherwise. Every step is taken back exactly, so that few do as well as many; small ones near the picture
  /// blow up what the model would not have drawn.
  private static let steps = 20

  func validate() throws {
    try require(
      RGB(hexadecimal: background) != nil, "--background \(background) is no colour such as ff8000.")
    try require((0...1000).contains(iterations), "--iterations must be from 0 to 1000.")
    try require(request.classes.count <= 1, "--class takes one class here: the picture shows one.")
  }

  func run() throws {
    try compute.apply()
    let target = try OutputKind(output, [.safetensors])
    try target.check()
    let color = RGB(hexadecimal: background) ?? .white
    let decoded = try DecodedPicture(
      contentsOf: URL(argument: image, "<image>"), options: DecodingOptions(background: color))
    var request = request
    // More would lead away from what the picture is a likely one of.
    request.guidance.scale = request.guidance.scale ?? 1
    let sampling = try Sampling(
      try ModelFolder(URL(argument: model, "<model>")), named: model, request, size: try sizing.parsed())
    let scheduler = try scheduler(sampling.folder)
    try sampling.check(scheduler)
    let visits = Visits.count(stepping.steps ?? min(Self.steps, scheduler.mostSteps))
    let sampler = try scheduler.sampler(visits, eta: stepping.eta)
    guard sampler.isMemoryless else {
      throw Failure.usage(
        "the steps of --sampler \(scheduler.samplerName) cannot be taken back, as they draw noise or look back; ddim's and "
          + "euler's can.")
    }
    let tiles = try tiling.tiles(sampling.folder.vae?.config)
    fitting.announce(decoded, sampling.size, background: background, named: image)

    let picture = fitting.fitted(decoded.picture, sampling.size, on: color)
    let prompts = try sampling.prompts(sampler)
    let networks = try sampling.networks(batchSize: 1)
    let codec = try sampling.folder.codec(tiles: tiles)
    let x = sampling.tensor(of: picture)
    let loop = try sampling.loop(networks, 0..<1, prompts: prompts, scheduler, visits, eta: stepping.eta)
    let clock = Stopwatch()
    let found = Inversion(loop, iterations: iterations)(codec?.encoded(x) ?? x) { done, total in
      Console.progress(
        "step \(done)/\(total) taken back, \(Console.duration(clock.seconds / Double(done) * Double(total - done))) left"
      )
    }
    Console.endTransient()
    if let (_, value) = found.noise.firstNotFinite {
      throw Failure("the noise of \(image) ran away to \(value); nothing was written. Try fewer --steps.")
    }
    var none = Generator.philox.source(seed: 0)
    let again = loop.run(from: .noise(found.noise), noise: &none)
    try write(found.noise, sampling, scheduler, visits.steps, to: target.url)
    try tell(picture, codec.map { $0.decoded($0.encoded(x)) }, codec?.decoded(again) ?? again)
    Console.note("asked the network \(found.evaluations.counted("time")); the picture again:")
    Console.note(ShellWords.line(sampleCommand(request, scheduler, visits.steps)))
  }

  /// The sampler that is asked for; else the model's own where its steps can be taken back, and DDIM or Euler otherwise.
  private func scheduler(_ folder: ModelFolder) throws -> SchedulerConfig {
    let requested = try stepping.scheduler(folder)
    guard stepping.sampler == nil, stepping.schedule == nil else { return requested }
    if try requested.sampler(steps: 1, eta: stepping.eta).isMemoryless { return requested }
    return try requested.under(requested.isFlow || requested.isPreconditioned ? "euler" : "ddim")
  }

  /// How near the picture comes back, in steps of a byte.
  ///
  /// - Parameter reconstruction: what an autoencoder alone makes of it, where the model has one.
  private func tell(_ picture: Picture, _ reconstruction: Tensor?, _ again: Tensor) throws {
    func far(_ a: Picture) -> String {
      let difference = PictureDifference(a, Picture.batch(again)[0])
      return "\(difference.most) of 255, \(String(format: "%.3f", difference.mean)) in the mean"
    }
    if let reconstruction {
      try Console.print(
        "what the autoencoder makes of the picture comes back within \(far(Picture.batch(reconstruction)[0]))"
      )
    }
    try Console.print("the picture comes back within \(far(picture))")
  }

  private func write(
    _ noise: Tensor, _ sampling: Sampling, _ scheduler: SchedulerConfig, _ steps: Int, to url: URL
  ) throws {
    var recipe = sampling.recipe(
      0, try sampling.hashes(), seed: Seed(0), steps: steps, scheduler.samplerName)
    (recipe.image, recipe.scheduler) = (image, scheduler.json)
    try SafetensorsWriter.write(
      [("latents", noise)], metadata: ["format": "pt", Recipe.keyword: try recipe.json()], to: url)
  }

  /// The command that makes the picture again.
  private func sampleCommand(_ request: RequestOptions, _ scheduler: SchedulerConfig, _ steps: Int)
    -> [String]
  {
    var words = ["darkroom", "sample", model, "--latents", output, "--sampler", scheduler.samplerName]
    words += ["--steps", "\(steps)"]
    if let size = sizing.words { words += ["--size", size] }
    if let schedule = stepping.schedule { words += ["--schedule", schedule] }
    for name in request.classes { words += ["--class", name] }
    return words + request.prompts.words + request.guidance.words + ["--output", "again.png"]
  }
}
