import Foundation
import Models
import NN

/// An autoencoder as diffusers keeps it: `config.json` and its weights, in a folder of its own or in a pipeline's.
public struct AutoencoderFolder {
  /// Where it is.
  public let url: URL
  /// `config.json`.
  public let config: AutoencoderKLConfig

  /// What diffusers' pipelines call an autoencoder: `vae`, or `vqvae` in an `LDMPipeline`.
  static let components = ["vae", "vqvae"]

  /// Opens an autoencoder's own folder, or that of a pipeline which has one, without loading its weights.
  ///
  /// - Throws: `ModelFolderError` or `ConfigError`, each naming the file.
  public init(_ url: URL) throws {
    func isThere(_ path: String) -> Bool {
      FileManager.default.fileExists(atPath: url.appending(path: path).path)
    }
    guard isThere("") else {
      throw ModelFolderError(folder: url.relativePath, problem: "does not exist; give the folder of a model")
    }
    if isThere("config.json") {
      self.url = url
    } else if let component = Self.components.first(where: { isThere("\($0)/config.json") }) {
      self.url = url.appending(path: component)
    } else {
      throw ModelFolderError(
        folder: url.relativePath,
        problem: "holds no autoencoder: neither config.json, nor vae/config.json as in a pipeline")
    }
    config = try AutoencoderKLConfig(contentsOf: self.url.appending(path: "config.json"))
  }

  /// The network with its weights.
  ///
  /// - Throws: `CheckpointError` or `SafetensorsError`.
  public func autoencoder() throws -> AutoencoderKL {
    let checkpoint = try Checkpoint(folder: url, stem: ModelFolder.weightsStem)
    return try AutoencoderKL(config, ParameterStore(.checkpoint(checkpoint)))
  }
}
