import Files
import Foundation
import Models
import NN
import Schedulers
import TensorCore

/// A model as diffusers keeps it: a folder with `model_index.json`, `scheduler/`, `unet/` or `transformer/`, and the
/// `vae/` of a model of latents.
///
/// Opening one reads and checks its descriptions alone; the weights are loaded by `denoiser()` and `codec()`.
public struct ModelFolder {
  /// Where it is.
  public let url: URL
  /// `config.json` of the denoiser.
  public let config: DenoiserConfig
  /// The VAE of a model of latents; nil for one of pixels.
  public let vae: VAEFolder?
  /// `scheduler/scheduler_config.json`.
  public let scheduler: SchedulerConfig
  /// What Darkroom alone knows about it; empty for a folder of another program.
  public let notes: ModelNotes

  private struct Index: Decodable {
    let className: String
    /// Library and class of each part, which may be missing.
    let parts: [String: [String?]]
    /// Names of classes, of diffusers' DiTPipeline.
    let labels: [String: String]?

    init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: AnyKey.self)
      var (name, parts, labels): (String?, [String: [String?]], [String: String]?) = (nil, [:], nil)
      for key in values.allKeys {
        if key.stringValue == "_class_name" {
          name = try values.decode(String.self, forKey: key)
        } else if key.stringValue == "id2label" {
          labels = try? values.decode([String: String].self, forKey: key)
        } else if let part = try? values.decode([String?].self, forKey: key) {
          parts[key.stringValue] = part
        }
      }
      guard let name else {
        throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "no _class_name"))
      }
      (className, self.parts, self.labels) = (name, parts, labels)
    }

    func className(_ part: String) -> String? { parts[part]?.last ?? nil }
  }

  private struct AnyKey: CodingKey {
    let stringValue: String
    let intValue: Int? = nil
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
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
    let known = [
      ("unet", UNet2DConfig.className), ("transformer", DiTConfig.className),
      ("transformer", "Transformer2DModel"),
    ]
    guard let (part, _) = known.first(where: { index.className($0.0) == $0.1 }),
      index.className("scheduler") != nil
    else {
      throw ModelFolderError(
        folder: indexURL.relativePath,
        problem:
          "describes a \(index.className), which cannot be used here; a pipeline of a UNet2DModel or a "
          + "DiTTransformer2DModel and a scheduler can")
    }
    config = try DenoiserConfig(contentsOf: url.appending(path: "\(part)/config.json"))
    scheduler = try SchedulerConfig(contentsOf: url.appending(path: "scheduler/scheduler_config.json"))
    let vaePart = ["vae", "vqvae"].first { index.className($0) != nil }
    if let vaePart, index.className(vaePart) != "AutoencoderKL" {
      throw ModelFolderError(
        folder: indexURL.relativePath,
        problem:
          "has a \(index.className(vaePart) ?? "") for its \(vaePart), which cannot be used here; an AutoencoderKL can"
      )
    }
    vae = try vaePart.map { try VAEFolder(url.appending(path: $0)) }
    try Self.check(config, scheduler, in: url)
    if let vae { try Self.check(config, vae.config, in: url) }
    let notesURL = url.appending(path: ModelNotes.fileName)
    var notes = (try? JSONDecoder().decode(ModelNotes.self, from: Data(contentsOf: notesURL))) ?? ModelNotes()
    if notes.classes == nil, let labels = index.labels {
      // By number, as far as they follow each other; a class may have several names with commas between.
      notes.classes = (0..<labels.count).map {
        labels["\($0)"]?.split(separator: ",").first.map(String.init) ?? "\($0)"
      }
    }
    notes.nullClass = notes.nullClass ?? config.nullClass
    self.notes = notes
  }

  /// Whether a network and a schedule fit together.
  ///
  /// - Throws: `ModelFolderError` where the schedule has timesteps that the network has no embedding for.
  public static func check(_ config: DenoiserConfig, _ scheduler: SchedulerConfig, in url: URL) throws {
    guard case .unet(let config) = config, config.timeEmbeddingType == .learned,
      let known = config.numTrainTimesteps,
      known < scheduler.numTrainTimesteps
    else { return }
    throw ModelFolderError(
      folder: url.relativePath,
      problem:
        "cannot be used: its network knows \(known) timesteps (num_train_timesteps, time_embedding_type learned) "
        + "and its schedule has \(scheduler.numTrainTimesteps)")
  }

  /// Whether a network and a VAE fit together.
  ///
  /// - Throws: `ModelFolderError` where the latents have other channels than the network takes.
  public static func check(_ config: DenoiserConfig, _ vae: AutoencoderKLConfig, in url: URL) throws {
    guard config.inChannels == vae.latentChannels else {
      throw ModelFolderError(
        folder: url.relativePath,
        problem:
          "cannot be used: its network takes \(config.inChannels) channels and its VAE's latents have \(vae.latentChannels)"
      )
    }
  }

  /// The denoiser with its weights.
  ///
  /// - Throws: `CheckpointError` or `SafetensorsError`.
  public func denoiser() throws -> any Denoiser {
    let checkpoint = try Checkpoint(folder: url.appending(path: config.component), stem: Self.weightsStem)
    return try config.build(ParameterStore(.checkpoint(checkpoint)))
  }

  /// The VAE with its weights; nil for a model of pixels.
  ///
  /// - Throws: `CheckpointError` or `SafetensorsError`.
  public func codec() throws -> LatentSpace? { try vae.map { LatentSpace(try $0.vae()) } }

  /// The file of the denoiser's weights, for its hash; the index where they are sharded.
  public var weightsURL: URL? { Self.weights(in: url.appending(path: config.component)) }

  static func weights(in folder: URL) -> URL? {
    ["safetensors", "fp16.safetensors", "safetensors.index.json", "safetensors.index.fp16.json"].map {
      folder.appending(path: "\(weightsStem).\($0)")
    }.first { FileManager.default.fileExists(atPath: $0.path) }
  }

  static let weightsStem = "diffusion_pytorch_model"

  /// Writes a model folder, each file beside its place and then renamed; what else the folder holds stays.
  ///
  /// - Parameter vae: of a model of latents; written once, since it does not change.
  /// - Throws: `FileError`.
  public static func save(
    _ tensors: [(key: String, tensor: Tensor)], _ config: DenoiserConfig, _ scheduler: SchedulerConfig,
    _ notes: ModelNotes, vae: AutoencoderKL? = nil, to url: URL
  ) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    for folder in [config.component, "scheduler"] { try AtomicFile.makeFolder(url.appending(path: folder)) }
    let component = url.appending(path: config.component)
    try SafetensorsWriter.write(tensors, to: component.appending(path: "\(weightsStem).safetensors"))
    try AtomicFile.write(try config.json(), to: component.appending(path: "config.json"))
    try AtomicFile.write(
      Data(scheduler.json.utf8), to: url.appending(path: "scheduler/scheduler_config.json"))
    try AtomicFile.write(try encoder.encode(notes), to: url.appending(path: ModelNotes.fileName))
    let isLDM = config.component == "unet" && vae != nil
    let vaePart = isLDM ? "vqvae" : "vae"
    if let vae, weights(in: url.appending(path: vaePart)) == nil {
      try VAEFolder.save(vae.parameters.all, vae.config, to: url.appending(path: vaePart))
    }
    var index: [String: IndexValue] = [
      "_diffusers_version": .text(diffusersVersion),
      "scheduler": .part(["diffusers", scheduler.className.rawValue]),
      config.component: .part(["diffusers", config.className]),
    ]
    switch (config.component, vae != nil) {
    case ("unet", false):
      // Of the two pipelines the one that takes the scheduler as it is.
      index["_class_name"] = .text(scheduler.className == .ddim ? "DDIMPipeline" : "DDPMPipeline")
    case ("unet", true): index["_class_name"] = .text("LDMPipeline")
    default:
      index["_class_name"] = .text("DiTPipeline")
      let names = notes.classes ?? []
      index["id2label"] = .labels(
        Dictionary(uniqueKeysWithValues: names.indices.map { ("\($0)", names[$0]) }))
    }
    if vae != nil {
      index[vaePart] = .part(["diffusers", "AutoencoderKL"])
    } else if config.component == "transformer" {
      index["vae"] = .part([nil, nil])
    }
    try AtomicFile.write(try encoder.encode(index), to: url.appending(path: "model_index.json"))
  }

  private enum IndexValue: Encodable {
    case text(String), part([String?]), labels([String: String])

    func encode(to encoder: any Encoder) throws {
      var value = encoder.singleValueContainer()
      switch self {
      case .text(let text): try value.encode(text)
      case .part(let part): try value.encode(part)
      case .labels(let labels): try value.encode(labels)
      }
    }
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
