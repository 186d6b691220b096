import Files
import Foundation
import Models
import NN
import Schedulers
import TensorCore

/// A model as diffusers keeps it: a folder with `model_index.json`, `unet/` and `scheduler/`.
///
/// Opening one reads and checks its descriptions alone; the weights are loaded by `unet()`.
public struct ModelFolder {
  /// Where it is.
  public let url: URL
  /// `unet/config.json`.
  public let unetConfig: UNet2DConfig
  /// `scheduler/scheduler_config.json`.
  public let scheduler: SchedulerConfig
  /// What Darkroom alone knows about it; empty for a folder of another program.
  public let notes: ModelNotes

  private struct Index: Codable {
    let className: String
    let unet: [String]?
    let scheduler: [String]?

    private enum CodingKeys: String, CodingKey {
      case className = "_class_name"
      case unet, scheduler
    }
  }

  /// Opens a folder without loading its weights.
  ///
  /// - Throws: `ModelFolderError`, `ConfigError` or `SchedulerError`, each naming the file.
  public init(_ url: URL) throws {
    self.url = url
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      throw ModelFolderError(folder: url.relativePath, problem: "does not exist; give the folder of a model")
    }
    guard isFolder.boolValue else {
      throw ModelFolderError(folder: url.relativePath, problem: "is a file; give the folder of a model")
    }
    let indexURL = url.appending(path: "model_index.json")
    guard let data = try? Data(contentsOf: indexURL) else {
      throw ModelFolderError(
        folder: url.relativePath, problem: "is no model folder: it has no model_index.json")
    }
    guard let index = try? JSONDecoder().decode(Index.self, from: data) else {
      throw ModelFolderError(folder: indexURL.relativePath, problem: "is not the JSON of a pipeline's index")
    }
    guard index.unet?.last == "UNet2DModel", index.scheduler?.count == 2 else {
      throw ModelFolderError(
        folder: indexURL.relativePath,
        problem:
          "describes a \(index.className), which cannot be used here; a pipeline of a UNet2DModel and a "
          + "scheduler can")
    }
    unetConfig = try Self.config(url.appending(path: "unet/config.json"))
    scheduler = try SchedulerConfig(contentsOf: url.appending(path: "scheduler/scheduler_config.json"))
    try Self.check(unetConfig, scheduler, in: url)
    let notesURL = url.appending(path: ModelNotes.fileName)
    notes = (try? JSONDecoder().decode(ModelNotes.self, from: Data(contentsOf: notesURL))) ?? ModelNotes()
  }

  /// Whether a network and a schedule fit together.
  ///
  /// - Throws: `ModelFolderError` where the schedule has timesteps that the network has no embedding for.
  public static func check(_ config: UNet2DConfig, _ scheduler: SchedulerConfig, in url: URL) throws {
    guard config.timeEmbeddingType == .learned, let known = config.numTrainTimesteps,
      known < scheduler.numTrainTimesteps
    else { return }
    throw ModelFolderError(
      folder: url.relativePath,
      problem:
        "cannot be used: its network knows \(known) timesteps (num_train_timesteps, time_embedding_type learned) "
        + "and its schedule has \(scheduler.numTrainTimesteps)")
  }

  /// Reads a `UNet2DModel` configuration.
  ///
  /// - Throws: `ConfigError`, naming the file.
  public static func config(_ url: URL) throws -> UNet2DConfig {
    guard let data = try? Data(contentsOf: url) else {
      throw ConfigError(file: url.relativePath, "cannot be read")
    }
    do {
      let config = try JSONDecoder().decode(UNet2DConfig.self, from: data)
      try config.validate()
      return config
    } catch var error as ConfigError {
      error.file = url.relativePath
      throw error
    } catch {
      throw ConfigError(file: url.relativePath, "is not JSON of a UNet2DModel's configuration")
    }
  }

  /// The network with its weights.
  ///
  /// - Throws: `CheckpointError` or `SafetensorsError`.
  public func unet() throws -> UNet2D {
    let checkpoint = try Checkpoint(folder: url.appending(path: "unet"), stem: Self.weightsStem)
    return try UNet2D(unetConfig, ParameterStore(.checkpoint(checkpoint)))
  }

  /// The file of the weights, for its hash; the index where they are sharded.
  public var weightsURL: URL? {
    let unet = url.appending(path: "unet")
    return ["safetensors", "fp16.safetensors", "safetensors.index.json", "safetensors.index.fp16.json"].map {
      unet.appending(path: "\(Self.weightsStem).\($0)")
    }.first { FileManager.default.fileExists(atPath: $0.path) }
  }

  static let weightsStem = "diffusion_pytorch_model"

  /// Writes a model folder, each file beside its place and then renamed; what else the folder holds stays.
  ///
  /// - Throws: `FileError`.
  public static func save(
    _ tensors: [(key: String, tensor: Tensor)], _ config: UNet2DConfig, _ scheduler: SchedulerConfig,
    _ notes: ModelNotes, to url: URL
  ) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    for folder in ["unet", "scheduler"] { try AtomicFile.makeFolder(url.appending(path: folder)) }
    try SafetensorsWriter.write(tensors, to: url.appending(path: "unet/\(weightsStem).safetensors"))
    try AtomicFile.write(try encoder.encode(config), to: url.appending(path: "unet/config.json"))
    try AtomicFile.write(
      Data(scheduler.json.utf8), to: url.appending(path: "scheduler/scheduler_config.json"))
    try AtomicFile.write(try encoder.encode(notes), to: url.appending(path: ModelNotes.fileName))
    struct PipelineIndex: Encodable {
      let _class_name: String
      let _diffusers_version: String
      let scheduler: [String]
      let unet: [String]
    }
    let index = PipelineIndex(
      // Of the two pipelines the one that takes the scheduler as it is.
      _class_name: scheduler.className == .ddim ? "DDIMPipeline" : "DDPMPipeline",
      _diffusers_version: UNet2DConfig.diffusersVersion,
      scheduler: ["diffusers", scheduler.className.rawValue],
      unet: ["diffusers", "UNet2DModel"])
    try AtomicFile.write(try encoder.encode(index), to: url.appending(path: "model_index.json"))
  }
}

/// What a model folder says beyond diffusers' files, in `darkroom.json`; diffusers does not look at it.
public struct ModelNotes: Codable, Sendable, Equatable {
  static let fileName = "darkroom.json"

  /// The classes' names by index.
  public var classes: [String]?
  /// The index that stands for no class, which guidance compares with.
  public var nullClass: Int?
  /// How many steps it was trained for.
  public var trainedSteps: Int?

  /// Nothing known, unless given.
  public init(classes: [String]? = nil, nullClass: Int? = nil, trainedSteps: Int? = nil) {
    (self.classes, self.nullClass, self.trainedSteps) = (classes, nullClass, trainedSteps)
  }

  private enum CodingKeys: String, CodingKey {
    case classes
    case nullClass = "null_class"
    case trainedSteps = "trained_steps"
  }
}

/// Why a folder cannot be used as a model.
public struct ModelFolderError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// The folder or the file in it.
  public let folder: String
  /// The rest of a sentence that begins with it.
  public let problem: String

  /// One sentence for the user.
  public var description: String { "\(folder) \(problem)." }
  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}
