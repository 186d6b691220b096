import Files
import Foundation
import Models
import NN
import TensorCore

/// An `AutoencoderKL`'s folder as diffusers saves one: `config.json` and weights.
public struct VAEFolder: ModelComponent {
  /// `AutoencoderKL`.
  public static let classNames = [AutoencoderKLConfig.className]

  /// Where it is, and what a pipeline calls it.
  public let place: ComponentPlace
  /// `config.json`.
  public let config: AutoencoderKLConfig
  /// Its weights, of which only headers were read.
  public let checkpoint: Checkpoint

  /// The same as `checkpoint`.
  public var weights: Checkpoint? { checkpoint }

  /// Its folder.
  public var url: URL { place.url }

  /// - Throws: `ConfigError`, or `CheckpointError` or `SafetensorsError` where there are no weights that can be read.
  public init(_ place: ComponentPlace) throws {
    self.place = place
    config = try AutoencoderKLConfig(contentsOf: place.url.appending(path: "config.json"))
    checkpoint = try Checkpoint(folder: place.url, stem: ModelFolder.weightsStem)
  }

  /// Opens a folder, or the VAE of a pipeline's folder, without loading its weights.
  ///
  /// - Throws: `ModelFolderError`, or as for a part of a pipeline, and where the weights do not fit.
  public init(_ url: URL) throws {
    try ModelFolderError.requireFolder(url)
    let candidates = [url, url.appending(path: "vae"), url.appending(path: "vqvae")]
    let found = candidates.first { folder in
      let config = folder.appending(path: "config.json")
      guard FileManager.default.fileExists(atPath: config.path) else { return false }
      // A pipeline whose files lie flat has another network's configuration at the top.
      return ModelClass.name(in: config).map(Self.classNames.contains) ?? true
    }
    guard let found else {
      let other = ModelClass.name(in: url.appending(path: "config.json"))
      throw ModelFolderError(
        folder: url.relativePath,
        problem: "holds no autoencoder: "
          + (other.map { "its config.json describes a \($0)" }
            ?? "neither config.json of an AutoencoderKL, nor vae/config.json as in a pipeline"))
    }
    try self.init(ComponentPlace(name: "vae", className: AutoencoderKLConfig.className, url: found))
    try checkWeights()
  }

  /// - Throws: `CheckpointError`.
  public func checkWeights() throws { _ = try AutoencoderKL(config, ParameterStore(.headers(checkpoint))) }

  /// The network with its weights.
  ///
  /// - Throws: `CheckpointError` or `SafetensorsError`.
  public func vae() throws -> AutoencoderKL {
    try AutoencoderKL(config, ParameterStore(.checkpoint(checkpoint)))
  }

  /// Writes a VAE's folder.
  ///
  /// - Throws: `FileError`.
  public static func save(
    _ tensors: [(key: String, tensor: Tensor)], _ config: AutoencoderKLConfig, to url: URL
  ) throws {
    try AtomicFile.makeFolder(url)
    try SafetensorsWriter.write(tensors, to: url.appending(path: "\(ModelFolder.weightsStem).safetensors"))
    try AtomicFile.write(try config.json(), to: url.appending(path: "config.json"))
  }
}
