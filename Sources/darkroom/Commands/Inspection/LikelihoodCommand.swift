import ArgumentParser
import Foundation
import Models
import Pictures
import Pipelines
import Schedulers
import TensorCore
import Training

/// `darkroom evaluate likelihood`: a model and a folder of pictures to bits a dimension.
struct LikelihoodCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "likelihood",
    abstract: "How many bits a value of each picture takes under a model: less is better.",
    discussion: """
      The variational bound of diffusion models in bits a dimension: the decoder's term of 8-bit values, one term a \
      timestep, and the prior's. Pictures are brought to the model's size first, so numbers compare at one size alone. \
      Each term is estimated with one draw of noise a picture; the ± is the deviation of the mean over the pictures. \
      The result follows from --seed and not from --batch-size or --threads.
      """)

  @Argument(help: "The model's folder.", completion: .directory)
  var model: String

  @Argument(help: "The folder of PNG and JPEG pictures.", completion: .directory)
  var images: String

  @Option(
    help: """
      Where a picture's class comes from, for a model that knows classes: none (the model is told none), or folders \
      (sub-folders are classes, by the model's names).
      """)
  var classes = ImageFolder.Classes.none

  @Option(help: "Evaluate so many pictures, spread evenly over the folder. (default: all)")
  var count: Int?

  @Option(
    help: """
      Evaluate for each picture one of every so many timesteps, at random: that much faster, right on average, and with \
      a larger ±.
      """)
  var timestepsEvery = 1

  @Option(
    help:
      "The variance of a step, for a model that does not give its own: fixed_small or fixed_large. (default: the model's)"
  )
  var variance: FixedVariance?

  @Option(help: "The seed of the noise.")
  var seed: UInt64 = 0

  @Option(help: "Evaluations of the network at a time; changes nothing in the result.")
  var batchSize = 64

  @Option(help: "Draw the terms over the timesteps, as SVG.", completion: .file(extensions: ["svg"]))
  var plot: String?

  @Flag(help: "Print JSON, with every timestep's term.")
  var json = false

  @OptionGroup var compute: ComputeOptions

  enum FixedVariance: String, ExpressibleByArgument, CaseIterable {
    case small = "fixed_small"
    case large = "fixed_large"
  }

  func validate() throws {
    if let count, count < 1 { throw ValidationError("--count must be at least 1.") }
    try require(
      (1...1_000_000).contains(timestepsEvery), "--timesteps-every must be from 1 to 1000000.")
    if !(1...65_536).contains(batchSize) { throw ValidationError("--batch-size must be from 1 to 65536.") }
    if let plot, !plot.lowercased().hasSuffix(".svg") { throw ValidationError("--plot must end in .svg.") }
  }

  func run() throws {
    try compute.apply()
    let folder = try ModelFolder(URL(argument: model, "<model>"))
    let side = try side(folder)
    var options = LikelihoodEvaluation.Options()
    (options.seed, options.batchSize, options.timestepsEvery) = (seed, batchSize, timestepsEvery)
    var scheduler = try folder.scheduler
    if let variance { scheduler.varianceType = variance == .small ? .fixedSmall : .fixedLarge }
    let evaluation: LikelihoodEvaluation
    do { evaluation = try LikelihoodEvaluation(scheduler, options) } catch {
      throw Failure("\(model) \(error.problem).")
    }
    let pictures = try ImageFolder(URL(argument: images, "<images>"), classes: classes)
    let check = FolderCheck(pictures, resolution: side)
    guard !check.hasErrors else {
      Console.error(check.report(filesPerKind: 5))
      throw Failure("\(images) holds pictures that cannot be used, named above; mend or remove them.")
    }
    let labels = try labels(folder, pictures)
    let total = pictures.items.count
    let chosen = min(count ?? total, total)
    let numbers = (0..<chosen).map { $0 * total / chosen }
    let store = PictureStore(pictures, resolution: side, crop: .center)
    let network = try folder.denoiser()
    let clock = Stopwatch()
    let report = try evaluation(chosen, { network.predict($0, timesteps: $1, condition: $2, dropout: nil) }) {
      n in
      let planes = try store.planes(numbers[n], place: (0, 0), mirrored: false)
      return (
        Tensor(planes, shape: [1, 3, side, side]), Condition(labels: labels.map { [$0[numbers[n]]] })
      )
    } progress: { done in
      let left = clock.seconds / Double(done) * Double(chosen - done)
      Console.transient("picture \(done)/\(chosen), \(Console.duration(left)) left")
    }
    Console.endTransient()
    try draw(report)
    try json ? printJSON(report) : describe(report, scheduler, side: side)
  }

  /// What the network must be for pictures to have a likelihood under it.
  private func side(_ folder: ModelFolder) throws -> Int {
    let config = folder.config
    guard folder.vae == nil else {
      throw Failure(
        "\(model) models latents, and pictures have no likelihood under it; give a model of pixels.")
    }
    guard folder.text == nil else {
      throw Failure(
        "\(model) reads texts, and no captions are given to it here; give a model that reads none.")
    }
    let scheduler = try folder.scheduler
    let learned = scheduler.learnsVariance
    if learned && variance != nil {
      throw Failure("\(model) gives its own variance; leave --variance out.")
    }
    guard config.inChannels == 3, config.predictedChannels == (learned ? 6 : 3) else {
      throw Failure(
        "\(model) has \(config.inChannels) input and \(config.predictedChannels) output channels where pictures and its "
          + "variance_type '\(scheduler.varianceType.rawValue)' need 3 and \(learned ? 6 : 3).")
    }
    guard let size = config.nativeSize, size.height == size.width else {
      throw Failure("\(model) does not say its size, or is not square; its pictures cannot be brought to it.")
    }
    return size.height
  }

  /// The class of each picture as the model numbers it; nil for a model without classes.
  private func labels(_ folder: ModelFolder, _ pictures: ImageFolder) throws -> [Int]? {
    guard folder.config.isClassConditional else {
      if classes == .folders { throw Failure("\(model) knows no classes; leave --classes out.") }
      return nil
    }
    if folder.config.classInput == .vector {
      throw Failure(
        "\(model) takes vectors for classes (class_embed_type identity), which cannot be given here.")
    }
    if classes == .none {
      guard let null = folder.notes.nullClass else {
        throw Failure("\(model) has no class that stands for none; add --classes folders.")
      }
      return pictures.items.map { _ in null }
    }
    let names = folder.notes.classes ?? []
    let indices = try pictures.classes.map { name in
      guard let index = names.firstIndex(of: name) else {
        throw Failure(
          "\(images) has the class '\(name)', which \(model) does not know; it has \(names.joined(separator: ", "))."
        )
      }
      return index
    }
    return pictures.items.map { item in item.classIndex.map { indices[$0] } ?? folder.notes.nullClass ?? 0 }
  }

  private func describe(_ report: LikelihoodReport, _ scheduler: SchedulerConfig, side: Int) throws {
    let last = scheduler.numTrainTimesteps - 1
    func row(_ name: String, _ term: String, _ bits: Double) throws {
      try Console.print(
        name.padding(toLength: 10, withPad: " ", startingAt: 0)
          + term.padding(toLength: 16, withPad: " ", startingAt: 0) + String(format: "%10.5f", bits))
    }
    // One picture says nothing of how far others are from it.
    let deviation = report.pictures > 1 ? String(format: " ± %.4f", report.standardError) : ""
    try Console.print(
      String(format: "%.4f", report.bitsPerDimension) + deviation
        + " bits a dimension, \(report.pictures.counted("picture")) of \(side)×\(side), variance "
        + scheduler.varianceType.rawValue)
    try row("decoder", "L_0", report.decoder)
    try row("steps", last > 0 ? "L_1 … L_\(last)" : "none", report.divergences)
    try row("prior", "L_\(last + 1)", report.prior)
    if timestepsEvery > 1 {
      try Console.print(
        "One of every \(timestepsEvery) timesteps was evaluated for each picture: an estimate, right on average."
      )
    }
  }

  private func printJSON(_ report: LikelihoodReport) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try Console.print(String(decoding: try encoder.encode(report), as: UTF8.self))
  }

  private func draw(_ report: LikelihoodReport) throws {
    guard let plot else { return }
    let points = report.terms.filter { $0.bits > 0 }.map { (x: Double($0.timestep), y: $0.bits) }
    try LinePlot(
      title: "Terms of the variational bound", xLabel: "timestep", yLabel: "bits a dimension",
      yScale: .logarithmic, series: [.init(name: "L_t", points: points)]
    ).write(to: try URL(argument: plot, "--plot"))
  }
}
