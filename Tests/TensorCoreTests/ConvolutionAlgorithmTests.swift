import Foundation
import TensorCore
import TestSupport
import XCTest

/// Every algorithm of a 3×3 convolution against sums in double, whichever would be chosen; and the choice.
final class ConvolutionAlgorithmTests: XCTestCase {
  private func numbers(_ shape: [Int], seed: UInt32) -> Tensor {
    let key = NoiseKey(seed: 7, index: 0, step: seed, purpose: .trainingNoise)
    return Tensor(Philox(key).normal(shape.reduce(1, *)), shape: shape)
  }

  /// The root mean square of the errors, relative to that of what is expected.
  private func error(_ actual: Tensor, _ expected: [Double]) -> Double {
    let errors = zip(actual.values, expected).map { (Double($0) - $1) * (Double($0) - $1) }
    return (errors.reduce(0, +) / expected.map { $0 * $0 }.reduce(0, +)).squareRoot()
  }

  /// A convolution padded by 1, and the gradient of its weight, in double.
  private func exact(_ x: Tensor, _ weight: Tensor, _ dy: Tensor) -> (y: [Double], dw: [Double]) {
    let ((n, c, h, w), o) = (x.shape4, weight.shape[0])
    let (a, b, d) = (x.values.map(Double.init), weight.values.map(Double.init), dy.values.map(Double.init))
    var (y, dw) = ([Double](repeating: 0, count: d.count), [Double](repeating: 0, count: b.count))
    for (image, out) in (0..<n).flatMap({ image in (0..<o).map { (image, $0) } }) {
      for (row, column) in (0..<h).flatMap({ row in (0..<w).map { (row, $0) } }) {
        let at = ((image * o + out) * h + row) * w + column
        for tap in 0..<9 {
          let (u, v) = (row + tap / 3 - 1, column + tap % 3 - 1)
          guard (0..<h).contains(u), (0..<w).contains(v) else { continue }
          for k in 0..<c {
            let (pixel, coefficient) = (((image * c + k) * h + u) * w + v, (out * c + k) * 9 + tap)
            y[at] += a[pixel] * b[coefficient]
            dw[coefficient] += d[at] * a[pixel]
          }
        }
      }
    }
    return (y, dw)
  }

  /// Whole squares and cut ones of either side, an odd number of blocks of channels.
  ///
  /// In f32 all err alike. In bf16 a factor errs by up to 2⁻⁹ of itself, 0.17 % in the mean, and a product of two by 0.24 %; the
  /// transforms of F(2×2) make 0.4 % of it, those of F(4×4) more than 1 %, which is why it is never chosen there.
  func testAlgorithmsAgainstDouble() {
    for (c, o, h, w) in [(48, 32, 12, 8), (32, 80, 9, 7)] {
      let (x, weight) = (numbers([2, c, h, w], seed: 1), numbers([o, c, 3, 3], seed: 2))
      let dy = numbers([2, o, h, w], seed: 3)
      let (y, dw) = exact(x, weight, dy)
      let cases: [(ConvolutionAlgorithm, f32: Double, bf16: Double)] = [
        (.direct, 4e-7, 3e-3), (.winograd(side: 4), 1e-6, 1.6e-2), (.winograd(side: 2), 6e-7, 5e-3),
      ]
      for (algorithm, f32, bf16) in cases {
        for precision in Precision.allCases {
          with(precision) {
            onEachProcessor { processor in
              let what = "\(algorithm.name), \(c) to \(o) channels of \(h)×\(w), \(precision), \(processor)"
              let bound = precision == .f32 ? f32 : bf16
              XCTAssertLessThan(error(algorithm.convolve(x, weight), y), bound, what)
              XCTAssertLessThan(error(algorithm.weightGradient(x, dy), dw), bound, "dw, \(what)")
            }
          }
        }
      }
    }
  }

  /// Of bf16 factors a product of bf16 is exact but for its sum, which is in f32.
  func testProductsOfBF16SumInF32() {
    func rounded(_ x: Tensor) -> Tensor {
      Tensor(x.values.map { Float(bitPattern: ($0.bitPattern &+ 0x8000) & 0xffff_0000) }, shape: x.shape)
    }
    let (x, weight) = (rounded(numbers([37, 1000], seed: 1)), rounded(numbers([45, 1000], seed: 2)))
    let (a, b) = (x.values.map(Double.init), weight.values.map(Double.init))
    var expected = [Double](repeating: 0, count: 37 * 45)
    for i in expected.indices {
      for k in 0..<1000 { expected[i] += a[i / 45 * 1000 + k] * b[i % 45 * 1000 + k] }
    }
    with(.bf16) {
      onEachProcessor { processor in
        let y = withoutGradients { linear(x, weight: weight, bias: nil) }
        XCTAssertLessThan(error(y, expected), 1e-6, "\(processor)")
      }
    }
  }

  /// What is printed is what is chosen; neither the batch nor the processor of one arithmetic has a say in it.
  func testPlansDependOnShapesAlone() {
    func plan(_ n: Int) -> [PlannedProduct] {
      plannedProducts {
        var h = conv2D(
          .zeros([n, 64, 32, 32]), weight: .zeros([128, 64, 3, 3]), bias: nil, padding: .all(1))
        h = conv2D(h, weight: .zeros([128, 128, 3, 3]), bias: nil, stride: 2, padding: .all(1))
        h = conv2D(h, weight: .zeros([64, 128, 1, 1]), bias: nil, padding: .all(0))
        let t = linear(h.tokens(), weight: .zeros([64, 64]), bias: nil)
        h = attention(t, t, t, heads: 4, scale: 0.2).featureMap(height: 16, width: 16)
        _ = conv2D(h, weight: .zeros([3, 64, 3, 3]), bias: nil, padding: .all(1))
      }
    }
    let one = plan(1)
    XCTAssertEqual(
      one.map(\.operation),
      [
        "convolution 3×3", "convolution 3×3/2", "convolution 1×1", "linear", "attention, 4 heads",
        "convolution 3×3",
      ])
    XCTAssertEqual(one[0].operations, 18 * 1024 * 64 * 128)
    XCTAssertEqual(one[4].operations, 4 * 256 * 256 * 64)
    XCTAssertEqual(one[2].algorithm, "product")
    XCTAssertEqual(one[5].algorithm, "direct", "three channels are no multiple of 16")
    XCTAssertEqual(plan(16).map(\.algorithm), one.map(\.algorithm))
    XCTAssertEqual(plan(16)[0].operations, 16 * one[0].operations)
    for precision in Precision.allCases {
      var algorithms: [Processor.Arithmetic: [String]] = [:]
      with(precision) {
        onEachProcessor { processor in
          let found = plan(1).map(\.algorithm)
          XCTAssertEqual(algorithms[processor.arithmetic] ?? found, found, "\(processor)")
          algorithms[processor.arithmetic] = found
        }
        XCTAssertFalse(
          precision == .bf16 && plan(1).contains { $0.algorithm == "Winograd F(4×4)" },
          "F(4×4) errs too much in bf16")
      }
    }
    XCTAssertEqual(one[0].algorithm, "Winograd F(4×4)")
  }
}
