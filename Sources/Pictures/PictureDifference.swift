import Foundation

/// How far one picture is from another of the same size, over all bytes of both.
public struct PictureDifference: Sendable, Equatable {
  /// The mean of the squared differences of bytes.
  public let meanSquared: Double
  /// The mean of their magnitudes.
  public let mean: Double
  /// The greatest of them.
  public let most: Int
  /// The column and row of the first pixel that has it.
  public let mostX, mostY: Int
  /// How many pixels differ at all.
  public let differingPixels: Int

  /// - Parameters:
  ///   - a: a picture.
  ///   - b: another of its width and height.
  public init(_ a: Picture, _ b: Picture) {
    precondition(a.width == b.width && a.height == b.height, "a difference of pictures of two sizes")
    var (squares, sum, most, place, differing) = (0, 0, 0, 0, 0)
    for pixel in 0..<a.width * a.height {
      var greatest = 0
      for index in 3 * pixel..<3 * pixel + 3 {
        let distance = abs(Int(a.pixels[index]) - Int(b.pixels[index]))
        squares += distance * distance
        sum += distance
        greatest = max(greatest, distance)
      }
      if greatest > 0 { differing += 1 }
      if greatest > most { (most, place) = (greatest, pixel) }
    }
    let count = Double(a.pixels.count)
    (meanSquared, mean, self.most) = (Double(squares) / count, Double(sum) / count, most)
    (mostX, mostY, differingPixels) = (place % a.width, place / a.width, differing)
  }

  /// The peak signal-to-noise ratio in dB, 10·log₁₀(255²/mean squared difference); infinite for equal pictures.
  public var psnr: Double { Self.psnr(meanSquared: meanSquared) }

  /// The ratio in dB for a mean squared difference of bytes, which may be that of several pictures.
  public static func psnr(meanSquared: Double) -> Double { 10 * log10(255 * 255 / meanSquared) }

  /// The magnitudes of all differences as a picture, times `gain` and at most 255.
  public static func picture(_ a: Picture, _ b: Picture, gain: Double) -> Picture {
    precondition(a.width == b.width && a.height == b.height, "a difference of pictures of two sizes")
    let pixels = zip(a.pixels, b.pixels).map { x, y in
      UInt8(min(255, (Double(abs(Int(x) - Int(y))) * gain).rounded()))
    }
    return Picture(width: a.width, height: a.height, pixels: pixels)
  }

  /// Structural similarity of the luminance (Wang et al. 2004), the mean over windows: 1 for equal pictures.
  ///
  /// Windows of 8×8 pixels, four apart, with the paper's constants for 8 bits.
  public static func ssim(_ a: Picture, _ b: Picture) -> Double {
    precondition(a.width == b.width && a.height == b.height, "a similarity of pictures of two sizes")
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
    return sum / Double(windows)
  }
}
