import Foundation

/// A Gaussian filter of planes, rows first and then columns; the border's values go on beyond it.
enum GaussianBlur {
  /// Weights from -r to r that sum to 1; r is three deviations, rounded up.
  static func kernel(sigma: Double) -> [Float] {
    precondition(sigma > 0 && sigma.isFinite, "a Gaussian of deviation \(sigma)")
    let radius = Int((3 * sigma).rounded(.up))
    let weights = (-radius...radius).map { exp(-Double($0 * $0) / (2 * sigma * sigma)) }
    let sum = weights.reduce(0, +)
    return weights.map { Float($0 / sum) }
  }

  /// One plane of `height × width` values, blurred.
  static func blurred(_ plane: [Float], width: Int, height: Int, sigma: Double) -> [Float] {
    precondition(plane.count == width * height, "\(plane.count) values for \(width)×\(height)")
    let kernel = kernel(sigma: sigma)
    let rows = convolved(plane, lines: height, length: width, step: 1, lineStep: width, kernel)
    return convolved(rows, lines: width, length: height, step: width, lineStep: 1, kernel)
  }

  private static func convolved(
    _ plane: [Float], lines: Int, length: Int, step: Int, lineStep: Int, _ kernel: [Float]
  ) -> [Float] {
    let radius = kernel.count / 2
    var padded = [Float](repeating: 0, count: length + 2 * radius)
    var result = [Float](repeating: 0, count: plane.count)
    for line in 0..<lines {
      for at in padded.indices {
        padded[at] = plane[line * lineStep + max(0, min(length - 1, at - radius)) * step]
      }
      padded.withUnsafeBufferPointer { padded in
        for at in 0..<length {
          var sum: Float = 0
          for (offset, weight) in kernel.enumerated() { sum += weight * padded[at + offset] }
          result[line * lineStep + at * step] = sum
        }
      }
    }
    return result
  }
}
