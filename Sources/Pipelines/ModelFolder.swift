import Foundation
import Models
import NN
import Schedulers

/// A model as diffusers keeps it: a folder with `model_index.json` and a folder for each of its parts, or all files in one
/// place, as early models have them.
///
/// Opening one opens and checks every part: descriptions are read, and weights' headers held against them. The weights
/// themselves are loaded by `denoiser()` and `codec()`.
public struct ModelFolder {
  /// Where it is.
  public let url: URL
  /// What it is made of.
  public let index: PipelineIndex
  /// Its parts, open, by name.
  public let components: [any ModelComponent]
  /// What Darkroom alone knows about it; empty for a folder of another program.
  public let notes: ModelNotes
  /// The network that denoises.
  public let denoiserComponent: DenoiserComponent
  /// What turns a prompt into what the network reads; nil where it reads none.
  public let text: TextParts?

  /// The kinds of parts that can be used. A kind that is added here is found wherever an index names one of its classes.
  public static var kinds: [any ModelComponent.Type] {
    [
      DenoiserComponent.self, VAEFolder.self, SchedulerComponent.self, TokenizerComponent.self,
      TextEncoderComponent.self,
    ]
  }

  /// Parts of diffusers' pipelines that no picture depends on.
  static let passedOver: Set<String> = ["safety_checker", "feature_extractor", "image_encoder"]

  /// Opens a folder without loading its weights.
  ///
  /// - Throws: `ModelFolderError`, `ConfigError`, `SchedulerError`, `CheckpointError` or `SafetensorsError`, each naming
  ///   the file.
  public init(_ url: URL) throws {
    self.url = url
    try ModelFolderError.requireFolder(url)
    index = try PipelineIndex(of: url)
    components = try Self.open(index, in: url)
    guard let denoiser = components.lazy.compactMap({ $0 as? DenoiserComponent }).first else {
      throw ModelFolderError(
        folder: url.appending(path: PipelineIndex.fileName).relativePath,
        problem: "describes a \(index.className) without a network that can denoise here; these can: "
          + DenoiserFamilies.classNames.joined(separator: ", "))
    }
    denoiserComponent = denoiser
    let parts = components
    text = try (denoiser.config.textInput ?? TextInput(unreadOf: parts)).map {
      try TextParts($0, parts, in: url)
    }
    var notes = ModelNotes(in: url) ?? ModelNotes()
    notes.classes = notes.classes ?? index.classNames
    notes.nullClass = notes.nullClass ?? denoiser.config.nullClass
    self.notes = notes
    if let scheduler = try? scheduler { try Self.check(config, scheduler, in: url) }
    if let vae { try Self.check(config, vae.config, in: url) }
    for component in components { try component.checkWeights() }
  }

  /// Opens each part of an index by the kind that knows its class.
  private static func open(_ index: PipelineIndex, in url: URL) throws -> [any ModelComponent] {
    try index.parts.sorted { $0.key < $1.key }.compactMap { name, part in
      let own = url.appending(path: name)
      let isFlat = !FileManager.default.fileExists(atPath: own.path)
      let place = ComponentPlace(name: name, className: part.className, url: isFlat ? url : own)
      // A scheduler of any class opens: another can take its place.
      if name == SchedulerComponent.name { return SchedulerComponent(place) }
      guard let className = part.className, !passedOver.contains(name) else { return nil }
      guard let kind = kinds.first(where: { $0.classNames.contains(className) }) else {
        throw ModelFolderError(
          folder: url.appending(path: PipelineIndex.fileName).relativePath,
          problem: "has a \(className) for its \(name), which cannot be used here; these can: "
            + kinds.flatMap { $0.classNames }.joined(separator: ", "))
      }
      return try kind.init(place)
    }
  }

  /// The part of a kind.
  ///
  /// - Parameter name: its name in the index, where there may be several; otherwise the first is meant.
  public func component<Kind: ModelComponent>(_: Kind.Type, named name: String? = nil) -> Kind? {
    components.lazy.compactMap { $0 as? Kind }.first { name == nil || $0.place.name == name }
  }

  /// `config.json` of the denoiser.
  public var config: any DenoiserConfig { denoiserComponent.config }

  /// The VAE of a model of latents; nil for one of pixels.
  public var vae: VAEFolder? { component(VAEFolder.self) }

  /// `scheduler_config.json`, as the model has it.
  ///
  /// - Throws: `SchedulerError`, also where there is none.
  public var scheduler: SchedulerConfig { get throws { try schedulerComponent.config } }

  /// What makes the schedule: the model's own, or one in its place.
  public var schedulerComponent: SchedulerComponent {
    component(SchedulerComponent.self)
      ?? SchedulerComponent(ComponentPlace(name: SchedulerComponent.name, className: nil, url: url))
  }

  /// Whether a network and a schedule fit together.
  ///
  /// - Throws: `ModelFolderError` where the schedule has timesteps that the network has no embedding for.
  public static func check(
    _ config: any DenoiserConfig, _ scheduler: SchedulerConfig, in url: URL
  ) throws {
    guard let known = config.knownTimesteps, known < scheduler.numTrainTimesteps else { return }
    throw ModelFolderError(
      folder: url.relativePath,
      problem:
        "cannot be used: its network knows \(known) timesteps (num_train_timesteps, time_embedding_type learned) "
        + "and its schedule has \(scheduler.numTrainTimesteps)")
  }

  /// Whether a network and a VAE fit together.
  ///
  /// - Throws: `ModelFolderError` where the latents have other channels than the network takes.
  public static func check(
    _ config: any DenoiserConfig, _ vae: AutoencoderKLConfig, in url: URL
  ) throws {
    guard config.denoisedChannels == vae.latentChannels else {
      throw ModelFolderError(
        folder: url.relativePath,
        problem:
          "cannot be used: its network denoises \(config.denoisedChannels) channels and its VAE's latents have "
          + "\(vae.latentChannels)")
    }
  }

  /// The denoiser with its weights.
  ///
  /// - Throws: `CheckpointError` or `SafetensorsError`.
  public func denoiser() throws -> any Denoiser { try denoiserComponent.network() }

  /// The VAE with its weights; nil for a model of pixels.
  ///
  /// - Throws: `CheckpointError` or `SafetensorsError`.
  public func codec(tiles: TilingChoice = .automatic) throws -> LatentSpace? {
    try vae.map { LatentSpace(try $0.vae(), tiles: tiles) }
  }

  static let weightsStem = "diffusion_pytorch_model"
}

/// Why a folder cannot be used as a model.
public struct ModelFolderError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// The folder or the file in it.
  public let folder: String
  /// The rest of a sentence that begins with it.
  public let problem: String

  /// - Parameter problem: the rest of a sentence that begins with the folder's name.
  public init(folder: String, problem: String) { (self.folder, self.problem) = (folder, problem) }

  /// One sentence for the user.
  public var description: String { "\(folder) \(problem)." }
  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }

  /// - Throws: `ModelFolderError` unless a folder is there.
  static func requireFolder(_ url: URL) throws(ModelFolderError) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      throw ModelFolderError(folder: url.relativePath, problem: "does not exist; give the folder of a model")
    }
    guard isFolder.boolValue else {
      throw ModelFolderError(folder: url.relativePath, problem: "is a file; give the folder of a model")
    }
  }
}
