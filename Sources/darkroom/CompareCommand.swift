import ArgumentParser
import Foundation
import Pictures
import Pipelines
import Schedulers
import TensorCore

/// `darkroom compare`: one picture by several samplers in several numbers of steps, so that a person sees which settles first.
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Draw the same noise with several samplers and step counts, as a labelled grid.")

  @Argument(help: "The model's folder.")
  var model: String

  @Option(help: "Samplers with commas between them: short names, schedules' names or files.")
  var samplers = "ddim,euler,heun,dpmpp-2m,unipc"

  @Option(help: "Numbers of steps with commas between them.")
  var steps = "5,10,20,50"

  @Option(name: .shortAndLong, help: "Where to write the grid: .png or .jpg.")
  var output: String

  @Option(help: "The seed of all noise.")
  var seed: UInt64 = 0

  @Option(name: .customLong("class"), help: "The class to draw, by name or number. (default: the first)")
  var classes: [String] = []

  @Option(help: "How strongly the class is followed: 1 is plain.")
  var guidanceScale: Float = 1

  @Option(help: "How much larger each picture is drawn. (default: so that the shorter side has 96 pixels)")
  var zoom: Int?

  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if let zoom, !(1...64).contains(zoom) { throw ValidationError("--zoom must be from 1 to 64.") }
    if !guidanceScale.isFinite { throw ValidationError("--guidance-scale must be a number.") }
  }

  func run() throws {
    try compute.apply()
    let target = try OutputKind(output)
    guard target.form != .safetensors else { throw Failure("--output \(output) must end in .png or .jpg.") }
    let names = samplers.split(separator: ",").map(String.init)
    let counts = try steps.split(separator: ",").map { text in
      guard let count = Int(text) else {
        throw Failure("--steps \(steps) is not a list of numbers with commas between them.")
      }
      return count
    }
    guard !names.isEmpty, !counts.isEmpty else {
      throw Failure("--samplers and --steps must each name something.")
    }
    let sampling = try Sampling(
      URL(fileURLWithPath: model), classes: classes, count: 1, guidanceScale: guidanceScale)
    let configs = try names.map { try sampling.folder.schedulerComponent.config(schedule: nil, sampler: $0) }
    // What could be refused is refused before any weights are loaded.
    for config in configs { for count in counts { _ = try config.sampler(steps: count) } }
    try target.check()
    let predictor = try sampling.predictor(batchSize: 1)
    var cells = [Lettering.picture("steps")] + counts.map { Lettering.picture("\($0)", scale: 2) }
    for (name, config) in zip(names, configs) {
      cells.append(Lettering.picture(name))
      for count in counts {
        Console.transient("\(name), \(count) steps")
        var noise = Generator.philox.source(seed: seed)
        let loop = try DenoisingLoop(
          config, .count(count), predictor: predictor, condition: sampling.condition)
        let picture = try Picture.batch(sampling.decoded(loop.run(sampling.shape(count: 1), noise: &noise)))[
          0]
        let factor = zoom ?? max(1, 96 / min(picture.width, picture.height))
        cells.append(picture.enlarged(factor))
      }
    }
    Console.endTransient()
    try Grid(columns: counts.count + 1, padding: 4).compose(cells, file: output).write(to: target.url)
  }
}
