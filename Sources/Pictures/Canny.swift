import Foundation

/// Canny's edge detector, to the letter of OpenCV's `Canny` (J. Canny, "A Computational Approach to Edge Detection",
/// 1986): Sobel gradients, thinning across four directions, hysteresis over eight neighbours. No blurring comes first.
public struct Canny: Sendable, Hashable {
  /// A gradient above it may go on an edge; the smaller of the two.
  public var low: Double
  /// A gradient above it begins one.
  public var high: Double
  /// The side of Sobel's kernel: 3, 5 or 7. 7 divides its gradients by 16, and with them both thresholds.
  public var aperture: Int
  /// Whether a gradient's size is √(x² + y²) rather than |x| + |y|.
  public var usesL2: Bool

  /// A detector; the thresholds 100 and 200 are those of most ControlNets.
  public init(low: Double = 100, high: Double = 200, aperture: Int = 3, usesL2: Bool = false) {
    precondition([3, 5, 7].contains(aperture), "an aperture of \(aperture)")
    precondition(low >= 0 && high >= 0 && low.isFinite && high.isFinite, "thresholds \(low), \(high)")
    (self.low, self.high) = (min(low, high), max(low, high))
    self.aperture = aperture
    self.usesL2 = usesL2
  }

  /// White edges on black. Of a pixel's three channels the one with the greatest gradient counts, the first of equals.
  public func edges(of picture: Picture) -> Picture {
    let edges = hysteresis(candidates(Gradient(picture, self)), width: picture.width, height: picture.height)
    return Picture(width: picture.width, height: picture.height, pixels: edges.flatMap { [$0, $0, $0] })
  }

  private enum Candidate: UInt8 {
    case none, weak, strong
  }

  /// Gradient sizes compare as whole numbers, as OpenCV has it: squares where they would be roots.
  private var thresholds: (low: Int, high: Int) {
    func threshold(_ value: Double) -> Int {
      let scaled = aperture == 7 ? value / 16 : value
      guard usesL2 else { return Int(min(scaled, 1e9).rounded(.down)) }
      let limited = min(32_767, scaled)
      return Int((limited * limited).rounded(.down))
    }
    return (threshold(low), threshold(high))
  }

  /// Pixels whose gradient is above the lower threshold and the greatest along its direction.
  private func candidates(_ gradient: Gradient) -> [Candidate] {
    let (width, height) = (gradient.width, gradient.height)
    let (low, high) = thresholds
    let size = gradient.size
    func at(_ x: Int, _ y: Int) -> Int {
      x < 0 || y < 0 || x >= width || y >= height ? 0 : Int(size[y * width + x])
    }
    // tan 22.5° in fixed point with 15 fraction bits; tan 67.5° is that plus 2.
    let tangent = 13_573
    var candidates = [Candidate](repeating: .none, count: size.count)
    for y in 0..<height {
      for x in 0..<width {
        let index = y * width + x
        let here = Int(size[index])
        guard here > low else { continue }
        let (dx, dy) = (Int(gradient.x[index]), Int(gradient.y[index]))
        let (steep, flat) = (abs(dy) << 15, abs(dx) * tangent)
        let isGreatest: Bool
        if steep < flat {
          isGreatest = here > at(x - 1, y) && here >= at(x + 1, y)
        } else if steep > flat + abs(dx) << 16 {
          isGreatest = here > at(x, y - 1) && here >= at(x, y + 1)
        } else {
          let side = (dx ^ dy) < 0 ? -1 : 1
          isGreatest = here > at(x - side, y - 1) && here > at(x + side, y + 1)
        }
        if isGreatest { candidates[index] = here > high ? .strong : .weak }
      }
    }
    return candidates
  }

  /// Strong candidates, and the weak ones that a chain of candidates joins to them.
  private func hysteresis(_ candidates: [Candidate], width: Int, height: Int) -> [UInt8] {
    var edges = [UInt8](repeating: 0, count: candidates.count)
    var pending = candidates.indices.filter { candidates[$0] == .strong }
    for index in pending { edges[index] = 255 }
    while let index = pending.popLast() {
      let (x, y) = (index % width, index / width)
      for v in max(0, y - 1)...min(height - 1, y + 1) {
        for u in max(0, x - 1)...min(width - 1, x + 1) {
          let neighbour = v * width + u
          guard candidates[neighbour] != .none, edges[neighbour] == 0 else { continue }
          edges[neighbour] = 255
          pending.append(neighbour)
        }
      }
    }
    return edges
  }
}

/// Sobel's gradient of the channel in which it is greatest.
private struct Gradient {
  let width: Int
  let height: Int
  /// Along rows and along columns.
  private(set) var x, y: [Int32]
  /// |x| + |y|, or x² + y².
  private(set) var size: [Int32]

  init(_ picture: Picture, _ canny: Canny) {
    (width, height) = (picture.width, picture.height)
    let count = width * height
    (x, y) = ([Int32](repeating: 0, count: count), [Int32](repeating: 0, count: count))
    size = [Int32](repeating: -1, count: count)
    let (smooth, slope) = Self.kernels(canny.aperture)
    for channel in 0..<3 {
      let plane = (0..<count).map { Int32(picture.pixels[3 * $0 + channel]) }
      let across = filtered(filtered(plane, slope, alongRows: true), smooth, alongRows: false)
      let down = filtered(filtered(plane, smooth, alongRows: true), slope, alongRows: false)
      for index in 0..<count {
        var (dx, dy) = (across[index], down[index])
        if canny.aperture == 7 { (dx, dy) = (Self.sixteenth(dx), Self.sixteenth(dy)) }
        let size = canny.usesL2 ? dx * dx + dy * dy : abs(dx) + abs(dy)
        if size > self.size[index] { (x[index], y[index], self.size[index]) = (dx, dy, size) }
      }
    }
  }

  /// Binomial coefficients, and their differences.
  private static func kernels(_ aperture: Int) -> (smooth: [Int32], slope: [Int32]) {
    switch aperture {
    case 3: ([1, 2, 1], [-1, 0, 1])
    case 5: ([1, 4, 6, 4, 1], [-1, -2, 0, 2, 1])
    default: ([1, 6, 15, 20, 15, 6, 1], [-1, -4, -5, 0, 5, 4, 1])
    }
  }

  /// Rounded to nearest, ties to even.
  private static func sixteenth(_ value: Int32) -> Int32 {
    Int32((Float(value) / 16).rounded(.toNearestOrEven))
  }

  /// A plane filtered along one axis; the border's values go on beyond it.
  private func filtered(_ plane: [Int32], _ kernel: [Int32], alongRows: Bool) -> [Int32] {
    let radius = kernel.count / 2
    var result = [Int32](repeating: 0, count: plane.count)
    for y in 0..<height {
      for (offset, weight) in kernel.enumerated() where weight != 0 {
        let shift = offset - radius
        let row = alongRows ? y : max(0, min(height - 1, y + shift))
        for x in 0..<width {
          let column = alongRows ? max(0, min(width - 1, x + shift)) : x
          result[y * width + x] += weight * plane[row * width + column]
        }
      }
    }
    return result
  }
}
