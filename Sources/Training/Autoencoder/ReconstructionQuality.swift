import Foundation
import Pictures
import Pipelines
import TensorCore

/// How well an autoencoder gives pictures back.
public struct ReconstructionQuality: Codable, Sendable, Equatable {
  /// The peak signal-to-noise ratio over all bytes of all pictures, in dB.
  public let psnr: Double
  /// Structural similarity (Wang et al. 2004) of the luminance, the mean over windows and pictures: 1 for equal ones.
  public let ssim: Double
  /// The divergence of the latents' distributions from a standard normal, in nats a picture.
  public let kl: Double

  /// Of the held-out pictures, or the first ones where none are held out.
  ///
  /// - Throws: `PictureError`.
  public init(_ trainer: AutoencoderTrainer) throws {
    let numbers = trainer.heldOut.isEmpty ? Array(0..<16) : trainer.heldOut
    var (squares, similarity, divergence, count) = (0.0, 0.0, 0.0, 0)
    for first in stride(from: 0, to: numbers.count, by: 16) {
      let x = try trainer.batch(numbers[first..<min(first + 16, numbers.count)])
      let (y, nats) = withoutGradients {
        let posterior = trainer.model.encode(x)
        return (trainer.model.decode(posterior.mean), posterior.divergence.item)
      }
      for (before, after) in zip(Picture.batch(x), Picture.batch(y)) {
        squares += PictureDifference(before, after).meanSquared
        similarity += Self.ssim(before, after)
        count += 1
      }
      divergence += Double(nats) * Double(x.shape[0])
    }
    psnr = PictureDifference.psnr(meanSquared: squares / Double(count))
    ssim = similarity / Double(count)
    kl = divergence / Double(count)
  }

  /// Windows of 8×8 pixels, four apart, with the paper's constants for 8 bits.
  static func ssim(_ a: Picture, _ b: Picture) -> Double {
    let (x, y) = (a.luminance.map { Double($0) }, b.luminance.map { Double($0) })
    let (c1, c2): (Double, Double) = (2.55 * 2.55, 7.65 * 7.65)
    let side = min(8, a.width, a.height)
    var (sum, windows) = (0.0, 0)
    for top in stride(from: 0, through: a.height - side, by: 4) {
      for left in stride(from: 0, through: a.width - side, by: 4) {
        var (mx, my, xx, yy, xy) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for row in top..<top + side {
          for at in row * a.width + left..<row * a.width + left + side {
            mx += x[at]
            my += y[at]
            xx += x[at] * x[at]
            yy += y[at] * y[at]
            xy += x[at] * y[at]
          }
        }
        let n = Double(side * side)
        (mx, my) = (mx / n, my / n)
        let (vx, vy, cov) = (xx / n - mx * mx, yy / n - my * my, xy / n - mx * my)
        sum += (2 * mx * my + c1) * (2 * cov + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))
        windows += 1
      }
    }
    return sum / Double(max(windows, 1))
  }
}
