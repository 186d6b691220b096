import Files
import Foundation
import Models
import NN
import Schedulers
import TensorCore

/// A model as diffusers keeps it: a folder with `model_index.json`, a denoiser in `unet/` or `transformer/`, `scheduler/`,
/// and an autoencoder in `vae/` or `vqvae/` where the denoiser works on latents.
///
/// Opening one reads and checks its descriptions alone; the weights are loaded by `denoiser()` and `space()`.
public struct ModelFolder {
  /// Where it is.
  public let url: URL
  /// `unet/config.json` or `transformer/config.json`.
  public let denoiserConfig: DenoiserConfig
  /// The autoencoder; nil where the denoiser works on pixels.
  public let autoencoder: AutoencoderFolder?
  /// `scheduler/scheduler_config.json`.
  public let scheduler: SchedulerConfig
  /// What Darkroom alone knows about it, and what a transformer's folder says of its classes.
  public let notes: ModelNotes

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
    let index = try PipelineIndex(in: url)
    let latents = index.autoencoder
    guard let component = index.denoiser, index.scheduler?.count == 2,
      latents.map({ $0.className == AutoencoderKLConfig.className }) ?? true
    else {
      throw ModelFolderError(
        folder: url.appending(path: PipelineIndex.fileName).relativePath,
        problem:
          "describes a \(index.className), which cannot be used here; a pipeline of a \(UNet2DConfig.className) or "
          + "\(DiTConfig.className), a scheduler and, for latents, an \(AutoencoderKLConfig.className) can")
    }
    denoiserConfig = try DenoiserConfig(
      component: component, contentsOf: url.appending(path: "\(component.rawValue)/config.json"))
    autoencoder = try latents.map { try AutoencoderFolder(url.appending(path: $0.component)) }
    scheduler = try SchedulerConfig(contentsOf: url.appending(path: "scheduler/scheduler_config.json"))
    try Self.check(denoiserConfig, scheduler, autoencoder?.config, in: url)
    let notesURL = url.appending(path: ModelNotes.fileName)
    var notes = (try? JSONDecoder().decode(ModelNotes.self, from: Data(contentsOf: notesURL))) ?? ModelNotes()
    notes.classes = notes.classes ?? index.classes
    notes.nullClass = notes.nullClass ?? denoiserConfig.nullClass
    self.notes = notes
  }

  /// Whether a network, a schedule and an autoencoder fit together.
  ///
  /// - Throws: `ModelFolderError` where the schedule has timesteps that the network has no embedding for, or the network
  ///   is for other latents.
  public static func check(
    _ config: DenoiserConfig, _ scheduler: SchedulerConfig, _ autoencoder: AutoencoderKLConfig? = nil,
    in url: URL
  ) throws {
    if case .unet(let config) = config, config.timeEmbeddingType == .learned,
      let known = config.numTrainTimesteps, known < scheduler.numTrainTimesteps
    {
      throw ModelFolderError(
        folder: url.relativePath,
        problem:
          "cannot be used: its network knows \(known) timesteps (num_train_timesteps, time_embedding_type learned) "
          + "and its schedule has \(scheduler.numTrainTimesteps)")
    }
    if let autoencoder, autoencoder.latentChannels != config.inChannels {
      throw ModelFolderError(
        folder: url.relativePath,
        problem:
          "cannot be used: its network takes \(config.inChannels) channels (in_channels) and its autoencoder's latents have "
          + "\(autoencoder.latentChannels) (latent_channels)")
    }
  }

  /// The network with its weights.
  ///
  /// - Throws: `CheckpointError` or `SafetensorsError`.
  public func denoiser() throws -> any Denoiser {
    let checkpoint = try Checkpoint(folder: denoiserURL, stem: Self.weightsStem)
    return try denoiserConfig.make(ParameterStore(.checkpoint(checkpoint)))
  }

  /// The space that the network works in, with the autoencoder's weights where there is one.
  ///
  /// - Parameters:
  ///   - batchSize: the most pictures that an autoencoder has in memory at a time.
  ///   - tiles: when pictures go through it in tiles.
  /// - Throws: `CheckpointError` or `SafetensorsError`.
  public func space(batchSize: Int, tiles: Tiles = .automatic) throws -> any PictureSpace {
    guard let autoencoder else { return PixelSpace() }
    return LatentSpace(try autoencoder.autoencoder(), batchSize: batchSize, tiles: tiles)
  }

  /// Pixels a side of a value that the network sees.
  public var pixelsPerValue: Int { autoencoder?.config.downsampling ?? 1 }
  /// Channels of the pictures.
  public var pictureChannels: Int { autoencoder?.config.outChannels ?? denoiserConfig.inChannels }

  private var denoiserURL: URL { url.appending(path: denoiserConfig.component.rawValue) }

  /// The file of the network's weights, for its hash; the index where they are sharded.
  public var weightsURL: URL? {
    ["safetensors", "fp16.safetensors", "safetensors.index.json", "safetensors.index.fp16.json"].map {
      denoiserURL.appending(path: "\(Self.weightsStem).\($0)")
    }.first { FileManager.default.fileExists(atPath: $0.path) }
  }

  static let weightsStem = "diffusion_pytorch_model"

  /// Writes a model folder, each file beside its place and then renamed; what else the folder holds stays.
  ///
  /// - Parameters:
  ///   - tensors: the denoiser's.
  ///   - autoencoder: what makes the latents that it works on; nil for pixels.
  /// - Throws: `FileError`.
  public static func save(
    _ tensors: [(key: String, tensor: Tensor)], _ config: DenoiserConfig, _ scheduler: SchedulerConfig,
    _ notes: ModelNotes, autoencoder: AutoencoderKL? = nil, to url: URL
  ) throws {
    let index = PipelineIndex(
      config, isLatent: autoencoder != nil, scheduler, classes: notes.classes)
    try save(tensors, config.wrapped, to: url.appending(path: config.component.rawValue))
    if let autoencoder, let place = index.autoencoder {
      try save(autoencoder.parameters.all, autoencoder.config, to: url.appending(path: place.component))
    }
    try AtomicFile.makeFolder(url.appending(path: "scheduler"))
    try AtomicFile.write(
      Data(scheduler.json.utf8), to: url.appending(path: "scheduler/scheduler_config.json"))
    try AtomicFile.write(try encoder.encode(notes), to: url.appending(path: ModelNotes.fileName))
    try AtomicFile.write(try encoder.encode(index), to: url.appending(path: PipelineIndex.fileName))
  }

  /// Writes one network's folder.
  ///
  /// - Throws: `FileError`.
  public static func save(
    _ tensors: [(key: String, tensor: Tensor)], _ config: any ModelConfig, to url: URL
  ) throws {
    try AtomicFile.makeFolder(url)
    try SafetensorsWriter.write(tensors, to: url.appending(path: "\(weightsStem).safetensors"))
    try AtomicFile.write(try encoder.encode(config), to: url.appending(path: "config.json"))
  }

  private static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return encoder
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
