import Foundation

/// How far one picture is from another of the same size, over all bytes of both.
public struct PictureDifference: Sendable, Equatable {
  /// The mean of the squared differences of bytes.
  public let meanSquared: Double
  /// The mean of their magnitudes.
  public let mean: Double
  /// The greatest of them.
  public let most: Int

  /// - Parameters:
  ///   - a: a picture.
  ///   - b: another of its width and height.
  public init(_ a: Picture, _ b: Picture) {
    precondition(a.width == b.width && a.height == b.height, "a difference of pictures of two sizes")
    var (squares, sum, most) = (0, 0, 0)
    for (x, y) in zip(a.pixels, b.pixels) {
      let distance = abs(Int(x) - Int(y))
      squares += distance * distance
      sum += distance
      most = max(most, distance)
    }
    let count = Double(a.pixels.count)
    (meanSquared, mean, self.most) = (Double(squares) / count, Double(sum) / count, most)
  }

  /// The peak signal-to-noise ratio in dB, 10·log₁₀(255²/mean squared difference); infinite for equal pictures.
  public var psnr: Double { Self.psnr(meanSquared: meanSquared) }

  /// The ratio in dB for a mean squared difference of bytes, which may be that of several pictures.
  public static func psnr(meanSquared: Double) -> Double { 10 * log10(255 * 255 / meanSquared) }
}
