import Files
import Foundation
import Models
import NN
import Schedulers
import TensorCore

/// A `NoisyClassifier`'s folder: `config.json`, weights, its classes in `darkroom.json`, and in `scheduler_config.json` the
/// noise that it was trained with.
public struct ClassifierFolder {
  /// Where it is.
  public let url: URL
  /// `config.json`.
  public let config: NoisyClassifierConfig
  /// Its weights, of which only headers were read.
  public let checkpoint: Checkpoint
  /// Names of the classes by index.
  public let classes: [String]
  /// How many steps it was trained for, where that is known.
  public let trainedSteps: Int?
  /// The noise that it was trained with; nil for a classifier of pictures without noise.
  public let scheduler: SchedulerConfig?

  /// Its file of the noise that it was trained with.
  public static let schedulerFile = "scheduler_config.json"

  /// What it is made of beside `config.json`, by which it is known.
  public static var files: [String] {
    ["\(ModelFolder.weightsStem).safetensors", schedulerFile, ModelNotes.fileName]
  }

  /// Whether a folder describes itself as a classifier.
  public static func isDescribed(in url: URL) -> Bool {
    ModelClass.name(in: url.appending(path: "config.json")) == NoisyClassifierConfig.className
  }

  /// Opens a folder without loading its weights.
  ///
  /// - Throws: `ModelFolderError`, `ConfigError`, `SchedulerError`, `CheckpointError` or `SafetensorsError`, each naming
  ///   the file.
  public init(_ url: URL) throws {
    self.url = url
    try ModelFolderError.requireFolder(url)
    guard Self.isDescribed(in: url) else {
      let other =
        ModelClass.name(in: url.appending(path: "config.json"))
        ?? ((try? PipelineIndex(of: url)).map { $0.className })
      throw ModelFolderError(
        folder: url.relativePath,
        problem: "holds no classifier"
          + (other.map { " but a \($0)" } ?? ", for it has no config.json of a NoisyClassifier")
          + "; 'darkroom train classifier' makes one")
    }
    config = try NoisyClassifierConfig(contentsOf: url.appending(path: "config.json"))
    checkpoint = try Checkpoint(folder: url, stem: ModelFolder.weightsStem)
    let notes = ModelNotes(in: url)
    classes = notes?.classes ?? (0..<config.classes).map { "\($0)" }
    trainedSteps = notes?.trainedSteps
    guard classes.count == config.classes else {
      throw ModelFolderError(
        folder: url.appending(path: ModelNotes.fileName).relativePath,
        problem:
          "has \(classes.count) for the number of classes that it names, and config.json has \(config.classes)"
      )
    }
    let schedule = url.appending(path: Self.schedulerFile)
    scheduler =
      FileManager.default.fileExists(atPath: schedule.path)
      ? try SchedulerConfig(contentsOf: schedule) : nil
    _ = try NoisyClassifier(config, ParameterStore(.headers(checkpoint)))
  }

  /// The size of the pictures that it was made for, where it says so.
  public var size: (height: Int, width: Int)? { config.unet.nativeSize }

  /// The network with its weights.
  ///
  /// - Throws: `CheckpointError` or `SafetensorsError`.
  public func classifier() throws -> NoisyClassifier {
    try NoisyClassifier(config, ParameterStore(.checkpoint(checkpoint)))
  }

  /// Writes a classifier's folder, each file whole or not at all.
  ///
  /// - Parameter scheduler: nil for a classifier of pictures without noise.
  /// - Throws: `FileError`.
  public static func save(
    _ tensors: [(key: String, tensor: Tensor)], _ config: NoisyClassifierConfig,
    _ scheduler: SchedulerConfig?, _ notes: ModelNotes, to url: URL
  ) throws {
    try AtomicFile.makeFolder(url)
    try SafetensorsWriter.write(tensors, to: url.appending(path: "\(ModelFolder.weightsStem).safetensors"))
    if let scheduler {
      try AtomicFile.write(Data(scheduler.json.utf8), to: url.appending(path: schedulerFile))
    }
    try AtomicFile.write(try JSONForm.encoder.encode(notes), to: url.appending(path: ModelNotes.fileName))
    try AtomicFile.write(try config.json(), to: url.appending(path: "config.json"))
  }
}
