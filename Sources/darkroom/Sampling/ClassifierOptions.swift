import ArgumentParser
import Files
import Foundation
import Models
import Pictures
import Pipelines
import Schedulers
import TensorCore

/// A classifier that leads pictures to their class.
struct ClassifierOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The folder of a classifier of noisy pictures ('darkroom train classifier') that leads them to their class.",
      discussion: "A model that knows no classes is led to those of the classifier by --class."),
    completion: .directory)
  var classifier: String?

  @Option(
    help: "How strongly it leads, 0 or more: 1 is Bayes' rule, more exaggerates the class. (default: 1)")
  var classifierScale: Float?

  func validate() throws {
    try require(
      classifierScale == nil || classifier != nil, "--classifier-scale goes with --classifier; add it.")
    try require(isFinite(classifierScale ?? 0), "--classifier-scale must not be negative, and be finite.")
  }

  /// The classifier, found fit to lead a model; nil where none is named.
  ///
  /// - Parameters:
  ///   - size: of the pictures.
  ///   - labels: the classes that the model draws.
  ///   - classes: what was asked for, by name or number; all where nothing was.
  /// - Throws: `Failure`, which says what keeps it from leading, or the folder's errors.
  func choice(
    _ model: ModelFolder, size: (height: Int, width: Int), labels: ClassChoice.Labels, classes: [String]
  ) throws -> ClassifierChoice? {
    guard let classifier else { return nil }
    let folder = try ClassifierFolder(URL(argument: classifier, "--classifier"))
    let problem: String? =
      if folder.scheduler == nil {
        "it was trained on pictures without noise; train one without --clean"
      } else if model.vae != nil {
        "it tells pictures apart, and the model denoises latents"
      } else if model.config.inChannels != folder.config.unet.inChannels {
        "its pictures have \(folder.config.unet.inChannels.counted("channel")), and the model's \(model.config.inChannels)"
      } else {
        nil
      }
    if let problem {
      throw Failure("--classifier \(classifier) cannot guide \(model.url.relativePath): \(problem).")
    }
    let choice = ClassifierChoice(
      folder: folder, path: classifier, model: model, scale: classifierScale ?? 1,
      cycle: try model.config.isClassConditional
        ? Self.translated(labels, of: model, folder) : Self.labels(classes, folder))
    try choice.check(size)
    return choice
  }

  /// The classes of a model that knows some, by the classifier's numbers: the same by name.
  private static func translated(
    _ labels: ClassChoice.Labels, of model: ModelFolder, _ folder: ClassifierFolder
  ) throws -> [Int] {
    let names = model.notes.classes ?? []
    return try labels.cycle.map { label in
      let name = names.indices.contains(label) ? names[label] : nil
      if let own = name.flatMap({ folder.classes.firstIndex(of: $0) }) { return own }
      throw Failure(
        "--classifier \(folder.url.relativePath) knows no class \(name.map { "'\($0)'" } ?? "number \(label)" ), which "
          + "\(model.url.relativePath) draws; it knows \(folder.classes.joined(separator: ", ")).")
    }
  }

  /// Classes by name or number; all of them where none is named.
  private static func labels(_ wanted: [String], _ folder: ClassifierFolder) throws -> [Int] {
    let classes = folder.classes
    return try wanted.isEmpty
      ? Array(classes.indices)
      : wanted.map { text in
        if let index = classes.firstIndex(of: text) { return index }
        if let index = Int(text), classes.indices.contains(index) { return index }
        let nearest = UsageMessage.nearest(text, in: classes).map { "; '\($0)' is near" } ?? ""
        throw Failure(
          "--classifier \(folder.url.relativePath) knows no class '\(text)'\(nearest); it knows "
            + classes.joined(separator: ", ") + ".")
      }
  }
}

/// A classifier that leads, how strongly, and to what.
struct ClassifierChoice {
  fileprivate let folder: ClassifierFolder
  /// As the command line has it.
  fileprivate let path: String
  fileprivate let model: ModelFolder
  fileprivate let scale: Float
  /// Its classes that pictures go through in turn.
  fileprivate let cycle: [Int]

  /// Whether it knows the noise of a schedule.
  ///
  /// - Throws: `Failure`, or `SchedulerError`.
  func check(_ scheduler: SchedulerConfig) throws {
    guard let own = folder.scheduler,
      try TrainingNoise(scheduler).levels != TrainingNoise(own).levels
    else { return }
    throw Failure(
      "--classifier \(path) cannot guide \(model.url.relativePath): it was trained on another noise schedule; train one with "
        + "--schedule \(model.url.relativePath).")
  }

  /// Whether it knows pictures of a size.
  ///
  /// - Throws: `Failure`.
  func check(_ size: (height: Int, width: Int)) throws {
    guard let own = folder.size, own != size else { return }
    throw Failure(
      "--classifier \(path) cannot guide \(model.url.relativePath): its pictures are \(own.width)x\(own.height), not "
        + "\(size.width)x\(size.height).")
  }

  /// What it costs to look at one picture.
  func cost(height: Int, width: Int) -> ForwardCost? {
    folder.config.unet.contractingCost(height: height, width: width)
  }

  /// SHA-256 of its files by their paths.
  ///
  /// - Throws: what reading a file throws.
  func hashes() throws -> [String: String] {
    let described = ["config.json", ClassifierFolder.schedulerFile].map { folder.url.appending(path: $0) }
    return try HashCache().hashes(of: folder.checkpoint.fileURLs + described, inFolder: path)
  }

  /// Loads the network.
  ///
  /// - Parameter batchSize: the most pictures that go through it at a time.
  /// - Throws: `CheckpointError` or `SafetensorsError`.
  func network(batchSize: Int) throws -> ClassifierNetwork {
    ClassifierNetwork(model: try folder.classifier(), scale: scale, cycle: cycle, batchSize: batchSize)
  }

  /// Writes down what decides the picture of a number.
  func record(_ number: Int, in recipe: inout Recipe) {
    recipe.className = folder.classes[cycle[number % cycle.count]]
    (recipe.classifier, recipe.classifierScale) = (path, Double(scale))
  }
}

/// A classifier with its weights.
struct ClassifierNetwork {
  fileprivate let model: NoisyClassifier
  fileprivate let scale: Float
  fileprivate let cycle: [Int]
  fileprivate let batchSize: Int

  /// What leads the pictures of these numbers, each to its class.
  func guidance(_ pictures: Range<Int>) -> ClassifierGuidance {
    let labels = pictures.map { cycle[$0 % cycle.count] }
    return ClassifierGuidance(scale: scale) { [model, batchSize] shown, evaluation, _ in
      .stacked(
        stride(from: 0, to: labels.count, by: batchSize).map { first in
          let rows = first..<min(first + batchSize, labels.count)
          return model.logProbability(
            shown.rows(rows), timesteps: rows.map { _ in evaluation.timestep }, labels: Array(labels[rows])
          ).gradient
        })
    }
  }
}
