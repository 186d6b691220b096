import Files
import Foundation
import Models
import Pictures
import Pipelines
import TensorCore

/// diffusers' `AutoencoderKL`, its scaling factor that of the pictures it learned, beside `quality.json`.
public struct AutoencoderProduct: RunProduct {
  private let objective: AutoencoderObjective
  private let config: AutoencoderKLConfig

  /// - Parameter config: what the folder says of the network, but for the scaling factor.
  public init(_ objective: AutoencoderObjective, _ config: AutoencoderKLConfig) {
    (self.objective, self.config) = (objective, config)
  }

  /// What makes up the autoencoder.
  public let files = ["diffusion_pytorch_model.safetensors", "quality.json", "config.json"]

  /// Writes the autoencoder and how well it gives pictures back.
  ///
  /// - Throws: `FileError`, or `PictureError` where a picture cannot be read.
  public func write(_ trainer: Trainer, to folder: URL) throws -> String? {
    let quality = try ReconstructionQuality(objective)
    var config = config
    config.scalingFactor = try objective.scalingFactor()
    try VAEFolder.save(trainer.averaged, config, to: folder)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try AtomicFile.write(try encoder.encode(quality), to: folder.appending(path: "quality.json"))
    let numbers = String(
      format: "PSNR %.2f dB, SSIM %.4f, KL %.1f nats a picture", quality.psnr, quality.ssim, quality.kl)
    return objective.split.heldOut.isEmpty ? "\(numbers), over \(objective.split.description)" : numbers
  }

  private static let mostPreviews = 16

  /// Pictures that are measured by, one of each class, over their reconstructions.
  public func preview(_ trainer: Trainer) throws -> Picture {
    let all = objective.split.measured
    // One of each class first, then the rest in their order.
    var seen: Set<Int?> = []
    let firsts = all.filter { seen.insert(objective.classIndex($0)).inserted }
    let others = all.filter { !firsts.contains($0) }
    let count = max(8, min(firsts.count, Self.mostPreviews))
    let numbers = (firsts + others).prefix(count)
    let x = try objective.batch(numbers)
    let y = withoutGradients { objective.model.decode(objective.model.encode(x).mean) }
    return try Grid(columns: numbers.count).compose(
      (Picture.batch(x) + Picture.batch(y)).map(\.enlargedToBeSeen))
  }
}
