import ArgumentParser
import Foundation
import Pictures
import Pipelines
import TensorCore

/// The way of the pictures from noise, for people who look, for every command that draws.
struct StepsOptions: ParsableArguments {
  @Option(
    help: "Write the way from noise as well, to this .png: a row a picture, a column a step.",
    completion: .file(extensions: ["png"]))
  var saveSteps: String?

  @Option(
    help:
      "What --save-steps shows: denoised (what the model takes the picture to be) or noisy (what it is shown)."
  )
  var stepsShow = Shown.denoised

  @Option(
    help:
      "Of --save-steps: one in so many steps, the last one included. (default: so that at most 10 are shown, all where it is animated)"
  )
  var stepsEvery: Int?

  @Flag(help: "Make --save-steps an animated PNG.")
  var stepsAnimate = false

  enum Shown: String, ExpressibleByArgument, CaseIterable { case denoised, noisy }

  func validate() throws {
    try require((stepsEvery ?? 1) >= 1, "--steps-every must be at least 1.")
    try require(
      saveSteps != nil || stepsEvery == nil && !stepsAnimate && stepsShow == .denoised,
      "--steps-show, --steps-every and --steps-animate go with --save-steps.")
  }
}

/// Keeps what pictures look like on their way, and writes it when they are done.
final class StepRecorder {
  private let options: StepsOptions
  private let target: OutputKind
  /// By visit, the pictures in the order of their numbers.
  private var columns: [[Picture]]
  private let visits: Int
  private let every: Int
  private var recipe: Recipe?

  /// - Parameters:
  ///   - visits: how many a picture goes through.
  ///   - pictures: how many there will be, and their size.
  /// - Returns: nil where nothing is to be kept.
  /// - Throws: `Failure` or `PictureError` where it could not be written.
  init?(
    _ options: StepsOptions, visits: Int, pictures: (count: Int, width: Int, height: Int)
  ) throws {
    guard let path = options.saveSteps else { return nil }
    self.options = options
    target = try OutputKind(path, [.png], option: "--save-steps")
    try target.check()
    self.visits = visits
    every = options.stepsEvery ?? (options.stepsAnimate ? 1 : max(1, (visits + 9) / 10))
    columns = Array(repeating: [], count: (visits + every - 1) / every)
    try grid.check(
      count: options.stepsAnimate ? pictures.count : columns.count * pictures.count, width: pictures.width,
      height: pictures.height, file: target.url.relativePath)
  }

  private var grid: Grid { options.stepsAnimate ? Grid() : Grid(columns: columns.count) }

  /// What holds after each visit, and what is shown of it beside.
  func watching(
    _ afterVisit: DenoisingLoop.AfterVisit?, _ codec: LatentSpace?
  ) -> DenoisingLoop.AfterVisit {
    { [self] end, x, noise in
      let x = afterVisit?(end, x, &noise) ?? x
      // Counted from the last, which is always shown.
      let left = visits - 1 - end.visit
      if left % every == 0 {
        let picture = options.stepsShow == .denoised ? end.x0 : end.level.normalized(x)
        columns[columns.count - 1 - left / every] += Picture.batch(codec?.decoded(picture) ?? picture)
      }
      return x
    }
  }

  /// Remembers how the first picture was made.
  func note(_ recipe: Recipe) {
    guard self.recipe == nil else { return }
    self.recipe = recipe
    self.recipe?.shows = Self.shows
  }

  /// What recipes of a way are marked by.
  static let shows = "steps"

  /// Writes what was kept.
  ///
  /// - Throws: `FileError` or `PictureError`.
  func write() throws {
    let texts = try recipe?.textChunks() ?? []
    let file = target.url.relativePath
    if options.stepsAnimate {
      let frames = try columns.map { $0.count == 1 ? $0[0] : try grid.compose($0, file: file) }
      try AnimatedPNG(frames, delay: 100, lastDelay: 1500).write(to: target.url, texts: texts)
    } else {
      let rows = columns[0].indices.flatMap { row in columns.map { $0[row] } }
      try grid.compose(rows, file: file).write(to: target.url, texts: texts)
    }
    Console.note("\(file): \(columns.count) of \(visits.counted("step"))")
  }
}
