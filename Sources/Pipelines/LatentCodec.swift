import Files
import Foundation
import Models
import NN
import TensorCore

/// The space that a denoiser works in: a VAE's latents, scaled as it sees them.
public struct LatentCodec {
  /// The autoencoder.
  public let vae: AutoencoderKL

  /// - Parameter vae: the autoencoder.
  public init(_ vae: AutoencoderKL) { self.vae = vae }

  /// Pictures `[N, C, H, W]` in [-1, 1] as scaled latents: the distribution's mean, or a draw where there is `noise` of the
  /// latents' shape. Large pictures go tile by tile.
  public func encode(_ pictures: Tensor, noise: Tensor? = nil) -> Tensor {
    withoutGradients {
      let (_, _, h, w) = pictures.shape4
      let posterior =
        max(h, w) > Self.tile ? vae.encode(pictures, tile: Self.tile) : vae.encode(pictures)
      return vae.scaled(noise.map { posterior.sample($0) } ?? posterior.mean)
    }
  }

  /// Scaled latents as pictures, one after the other; large ones tile by tile, so that memory stays bounded.
  public func decode(_ latents: Tensor) -> Tensor {
    withoutGradients {
      let (n, _, h, w) = latents.shape4
      let isLarge = max(h, w) * vae.config.downsampling > Self.tile
      return .stacked(
        (0..<n).map { i in
          let z = vae.unscaled(latents.rows(i..<i + 1))
          return isLarge ? vae.decode(z, tile: Self.tile) : vae.decode(z)
        })
    }
  }

  /// Pixels a side up to which a picture is taken whole.
  public static let tile = 512
}

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
    let candidates = ["config.json", "vae/config.json", "vqvae/config.json"].map { url.appending(path: $0) }
    guard let config = candidates.first(where: { FileManager.default.fileExists(atPath: $0.path) }) else {
      throw ModelFolderError(
        folder: url.relativePath,
        problem: "holds no VAE: there is neither config.json nor vae/config.json in it")
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
