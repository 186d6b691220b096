import Foundation
import Pictures
import Pipelines
import TensorCore

/// How well an autoencoder gives pictures back.
public struct ReconstructionQuality: Codable, Sendable, Equatable {
  /// The peak signal-to-noise ratio over all bytes of all pictures, in dB.
  public let psnr: Double
  /// Structural similarity, `PictureDifference.ssim`, the mean over pictures.
  public let ssim: Double
  /// The divergence of the latents' distributions from a standard normal, in nats a picture.
  public let kl: Double

  /// Of the pictures that the objective measures by.
  ///
  /// - Throws: `PictureError`.
  public init(_ objective: AutoencoderObjective) throws {
    let numbers = objective.split.measured
    var (squares, similarity, divergence, count) = (0.0, 0.0, 0.0, 0)
    for first in stride(from: 0, to: numbers.count, by: 16) {
      let x = try objective.batch(numbers[first..<min(first + 16, numbers.count)])
      let (y, nats) = withoutGradients {
        let posterior = objective.model.encode(x)
        return (objective.model.decode(posterior.mean), posterior.divergence.item)
      }
      for (before, after) in zip(Picture.batch(x), Picture.batch(y)) {
        squares += PictureDifference(before, after).meanSquared
        similarity += PictureDifference.ssim(before, after)
        count += 1
      }
      divergence += Double(nats) * Double(x.shape[0])
    }
    psnr = PictureDifference.psnr(meanSquared: squares / Double(count))
    ssim = similarity / Double(count)
    kl = divergence / Double(count)
  }
}
