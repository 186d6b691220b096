import Files
import Foundation
import Models
import NN
import TensorCore

/// An `AutoencoderKL`'s folder as diffusers saves one: `config.json` and weights.
public struct VAEFolder {
  /// Where it is.
  public let url: URL
  /// `config.json`.
  public let config: AutoencoderKLConfig

  /// Opens a folder, or the VAE of a pipeline's folder, without loading its weights.
  ///
  /// - Throws: `ModelFolderError` or `ConfigError`, naming the file.
  public init(_ url: URL) throws {
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw ModelFolderError(folder: url.relativePath, problem: "does not exist; give the folder of a model")
    }
    let candidates = ["config.json", "vae/config.json", "vqvae/config.json"].map { url.appending(path: $0) }
    guard let config = candidates.first(where: { FileManager.default.fileExists(atPath: $0.path) }) else {
      throw ModelFolderError(
        folder: url.relativePath,
        problem: "holds no autoencoder: neither config.json, nor vae/config.json as in a pipeline")
    }
    self.url = config.deletingLastPathComponent()
    self.config = try AutoencoderKLConfig(contentsOf: config)
  }

  /// The network with its weights.
  ///
  /// - Throws: `CheckpointError` or `SafetensorsError`.
  public func vae() throws -> AutoencoderKL {
    let checkpoint = try Checkpoint(folder: url, stem: ModelFolder.weightsStem)
    return try AutoencoderKL(config, ParameterStore(.checkpoint(checkpoint)))
  }

  /// What tells one VAE from another: the hash of its weights' file.
  ///
  /// - Throws: `FileError`, or `ModelFolderError` where there are no weights.
  public func hash() throws -> String {
    guard let weights = ModelFolder.weights(in: url) else {
      throw ModelFolderError(
        folder: url.relativePath, problem: "has no weights (\(ModelFolder.weightsStem).safetensors)")
    }
    return try SHA256.hex(of: weights)
  }

  /// Writes a VAE's folder.
  ///
  /// - Throws: `FileError`.
  public static func save(
    _ tensors: [(key: String, tensor: Tensor)], _ config: AutoencoderKLConfig, to url: URL
  ) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try AtomicFile.makeFolder(url)
    try SafetensorsWriter.write(tensors, to: url.appending(path: "\(ModelFolder.weightsStem).safetensors"))
    try AtomicFile.write(try encoder.encode(config), to: url.appending(path: "config.json"))
  }
}
