import ArgumentParser
import Foundation
import NN
import Pictures
import Pipelines
import Schedulers

/// `darkroom compare`: one picture by several samplers in several numbers of steps, so that a person sees which settles first.
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Draw the same noise with several samplers and step counts, as a labelled grid.",
    discussion: """
      All pictures show the same: without --class, the model's first class.

      EXAMPLES
        darkroom compare run --samplers ddim,dpmpp-2m,unipc --steps 5,10,20 --output compare.png
        darkroom compare run --class star --guidance-scale 2 --output compare.png
      """)

  @Argument(help: "The model's folder.", completion: .directory)
  var model: String

  @Option(help: "Samplers with commas between them: short names, schedules' names or files.")
  var samplers = "ddim,euler,heun,dpmpp-2m,unipc"

  @Option(
    name: [.long, .customLong("num-inference-steps")], help: "Numbers of steps with commas between them.")
  var steps = "5,10,20,50"

  @Option(
    name: .shortAndLong, help: "Where to write the grid: .png or .jpg.",
    completion: .file(extensions: ["png", "jpg", "jpeg"]))
  var output: String

  @Option(parsing: .unconditional, help: "The seed of all noise; 'random' draws one and says which.")
  var seed = Seed(0)

  @OptionGroup var request: RequestOptions

  @Option(help: "How much larger each picture is drawn. (default: so that the shorter side has 96 pixels)")
  var zoom: Int?

  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if let zoom, !(1...64).contains(zoom) { throw ValidationError("--zoom must be from 1 to 64.") }
    if request.classes.count > 1 {
      throw ValidationError("--class takes one class here: all pictures of a comparison show the same.")
    }
  }

  func run() throws {
    try compute.apply()
    let target = try OutputKind(picture: output)
    let names = samplers.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    let counts: [Int] = try steps.numbers("--steps")
    guard !names.isEmpty else { throw Failure.usage("--samplers must name one at least.") }
    let sampling = try Sampling(
      try ModelFolder(URL(argument: model, "<model>")), named: model, request)
    let schedulers = try names.map {
      try sampling.folder.schedulerComponent.config(
        schedule: nil, sampler: URL.path(ofNameOrFile: $0, "--samplers"))
    }
    try schedulers.forEach(sampling.check)
    // What could be refused is refused before any weights are loaded.
    let samplers = try schedulers.map { scheduler in try counts.map { try scheduler.sampler(steps: $0) } }
    let factor = zoom ?? max(1, 96 / min(sampling.size.width, sampling.size.height))
    let grid = Grid(columns: counts.count + 1, padding: 4)
    try grid.check(
      count: (counts.count + 1) * (names.count + 1), width: sampling.size.width * factor,
      height: sampling.size.height * factor, file: target.url.relativePath)
    let hashes = try sampling.hashes()
    seed.announce()

    let clock = Stopwatch()
    let codec = try sampling.folder.codec()
    let conditions = try samplers.map { try $0.map { try sampling.prompts($0) } }
    let networks = try sampling.networks(batchSize: 1)
    var cells = [Lettering.picture("steps")] + counts.map { Lettering.picture("\($0)", scale: 2) }
    for (row, (name, scheduler)) in zip(names, schedulers).enumerated() {
      cells.append(Lettering.picture(name))
      for (column, count) in counts.enumerated() {
        Console.progress("\(name), \(count.counted("step"))")
        var noise = Generator.philox.source(seed: seed.value)
        let loop = try sampling.loop(
          networks, 0..<1, prompts: conditions[row][column], scheduler, .count(count))
        let latents = loop.run(sampling.shape(count: 1), noise: &noise)
        let images = codec?.decoded(latents) ?? latents
        if let (_, value) = images.firstNotFinite {
          Console.note("\(name) in \(count.counted("step")) ends in \(value); its cell stays black")
        }
        cells.append(Picture.batch(images)[0].enlarged(factor))
      }
    }
    // What made all of them: the samplers in a row, and the most steps that any took.
    let recipe = sampling.recipe(
      0, hashes, seed: seed, steps: counts.max() ?? 0,
      schedulers.map(\.samplerName).joined(separator: ", "))
    try grid.compose(cells, file: output).write(to: target.url, texts: try recipe.textChunks())
    Console.endTransient()
    Console.note(
      "\(target.url.relativePath): \((names.count * counts.count).counted("picture")), seed \(seed.value), in "
        + Console.duration(clock.seconds))
  }
}

extension CompareCommand: ReplayableCommand {
  mutating func aim(at recipe: Recipe, _ file: URL) throws -> URL {
    output = file.path
    return file
  }
}
