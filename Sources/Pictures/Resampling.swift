/// How pixels are weighed when a picture changes its size.
public enum ResizeFilter: String, Sendable, Hashable, CaseIterable, Codable {
  /// The mean of the covered source pixels: area averaging where the size shrinks by a whole factor, as source
  /// pixels count wholly or not at all; the nearest pixel where it grows.
  case box
  /// Keys' cubic convolution with a = -0.5 (Catmull-Rom), widened when shrinking so that nothing aliases.
  ///
  /// R. Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981.
  case bicubic

  /// Half the kernel's width in pixels of the coarser of the two pictures.
  var support: Double {
    switch self {
    case .box: 0.5
    case .bicubic: 2
    }
  }

  /// The kernel at distance `x`.
  func weight(_ x: Double) -> Double {
    switch self {
    case .box:
      return x > -0.5 && x <= 0.5 ? 1 : 0
    case .bicubic:
      let (a, x) = (-0.5, abs(x))
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    }
  }
}

/// For each output position along one axis, the source pixels that it sums and their weights.
///
/// Weights are in fixed point with 22 fraction bits, as in Pillow's `Resample.c` (which leaves 8 bits for the
/// value and 2 for overshoot and sign of an Int32). Integers make the result independent of the machine, and
/// equal to what a Python training script feeds its network.
struct ResamplingTable {
  static let fractionBits = 22

  /// The first source index of each output position.
  private(set) var starts: [Int] = []
  /// The number of weights of each output position.
  private(set) var counts: [Int] = []
  /// `stride` weights for each output position.
  private(set) var weights: [Int32] = []
  let stride: Int

  /// A table from `sourceSize` pixels to those in `range` of `fullSize` pixels.
  init(filter: ResizeFilter, sourceSize: Int, fullSize: Int, range: Range<Int>) {
    let scale = Double(sourceSize) / Double(fullSize)
    let filterScale = max(scale, 1)
    let support = filter.support * filterScale
    stride = Int(support.rounded(.up)) * 2 + 1
    weights = [Int32](repeating: 0, count: range.count * stride)

    for (row, position) in range.enumerated() {
      let center = (Double(position) + 0.5) * scale
      let start = max(0, Int(center - support + 0.5))
      let end = min(sourceSize, Int(center + support + 0.5))
      var exact = (start..<end).map { filter.weight((Double($0) - center + 0.5) / filterScale) }
      let sum = exact.reduce(0, +)
      if sum != 0 { exact = exact.map { $0 / sum } }
      for (index, weight) in exact.enumerated() {
        let scaled = weight * Double(1 << Self.fractionBits)
        weights[row * stride + index] = Int32(scaled + (weight < 0 ? -0.5 : 0.5))
      }
      starts.append(start)
      counts.append(end - start)
    }
  }

  /// The source pixels that any output position needs.
  var sourceRange: Range<Int> {
    guard let first = starts.first, let last = starts.last, let count = counts.last else { return 0..<0 }
    return first..<last + count
  }
}
