import Foundation
import TensorCore
import XCTest

/// Products on AMX tiles against sums in double. Skipped on machines without them.
final class TileTests: XCTestCase {
  override func setUpWithError() throws { try XCTSkipUnless(Tiles.areUsed, "no AMX here") }

  private func wave(_ shape: [Int], _ step: Double) -> Tensor {
    Tensor(
      (0..<shape.reduce(1, *)).map { Float(sin(Double($0) * step) + 0.3 * cos(Double($0 * $0 % 1009))) },
      shape: shape)
  }

  /// The largest error, relative to the root mean square of what is expected: f32 sums of up to 4,608 terms.
  private func assertClose(
    _ actual: Tensor, _ expected: [Double], tolerance: Double = 1e-5, _ what: String,
    file: StaticString = #filePath, line: UInt = #line
  ) {
    XCTAssertEqual(actual.count, expected.count, what, file: file, line: line)
    // A NaN is greater than no tolerance, so it is looked for by itself.
    XCTAssertTrue(actual.values.allSatisfy(\.isFinite), "\(what): not finite", file: file, line: line)
    let scale = (expected.map { $0 * $0 }.reduce(0, +) / Double(expected.count)).squareRoot()
    let errors = zip(actual.values, expected).map { abs(Double($0) - $1) / scale }
    let worst = errors.indices.max { errors[$0] < errors[$1] } ?? 0
    XCTAssertLessThan(errors[worst], tolerance, "\(what): worst at \(worst)", file: file, line: line)
  }

  private func convolution(_ x: Tensor, _ w: Tensor, stride: Int, _ p: Padding) -> [Double] {
    let ((n, c, h, width), (o, _, kh, kw)) = (x.shape4, w.shape4)
    let (a, b) = (x.values.map(Double.init), w.values.map(Double.init))
    let outH = (h + p.top + p.bottom - kh) / stride + 1
    let outW = (width + p.left + p.right - kw) / stride + 1
    var y = [Double](repeating: 0, count: n * o * outH * outW)
    for image in 0..<n {
      for out in 0..<o {
        for i in 0..<outH {
          for j in 0..<outW {
            var sum = 0.0
            for u in 0..<kh where (0..<h).contains(i * stride + u - p.top) {
              for v in 0..<kw where (0..<width).contains(j * stride + v - p.left) {
                let pixel = (i * stride + u - p.top) * width + j * stride + v - p.left
                for k in 0..<c {
                  sum += a[(image * c + k) * h * width + pixel] * b[((out * c + k) * kh + u) * kw + v]
                }
              }
            }
            y[((image * o + out) * outH + i) * outW + j] = sum
          }
        }
      }
    }
    return y
  }

  /// Widths of one padded copy and of shifted ones, bands of rows, strides, odd channels and uneven padding.
  func testConvolutions() {
    let cases: [(c: Int, o: Int, h: Int, w: Int, k: Int, stride: Int, p: Padding)] = [
      (32, 32, 16, 16, 3, 1, .all(1)), (16, 48, 8, 8, 3, 1, .all(1)), (48, 16, 5, 7, 3, 1, .all(1)),
      (64, 32, 9, 32, 3, 1, .all(1)), (32, 32, 4, 4, 3, 1, .all(1)), (20, 24, 9, 9, 3, 1, .all(1)),
      (32, 32, 8, 8, 3, 2, .all(1)), (32, 32, 8, 8, 3, 2, Padding(top: 0, left: 0, bottom: 1, right: 1)),
      (48, 32, 6, 6, 1, 1, .all(0)), (32, 64, 40, 16, 1, 1, .all(0)), (32, 32, 7, 6, 5, 1, .all(2)),
      (512, 32, 16, 32, 3, 1, .all(1)), (32, 32, 6, 16, 3, 1, Padding(top: 2, left: 0, bottom: 0, right: 2)),
      // Large enough for Winograd: whole squares, cut ones, an odd block of channels, rows longer than a strip.
      (64, 64, 16, 16, 3, 1, .all(1)), (80, 96, 17, 19, 3, 1, .all(1)), (64, 80, 8, 70, 3, 1, .all(1)),
      (64, 64, 18, 18, 3, 1, Padding(top: 2, left: 0, bottom: 0, right: 2)),
    ]
    for c in cases {
      let (x, w) = (wave([3, c.c, c.h, c.w], 0.37), wave([c.o, c.c, c.k, c.k], 0.11))
      let y = withoutGradients { conv2D(x, weight: w, bias: nil, stride: c.stride, padding: c.p) }
      assertClose(y, convolution(x, w, stride: c.stride, c.p), "\(c)")
    }
  }

  /// Gradients through maps large enough for Winograd: whole squares and cut ones, steps of squares and a part of one.
  func testConvolutionGradients() {
    for (n, c, o, h, w) in [(3, 64, 64, 16, 16), (2, 80, 64, 17, 19), (1, 64, 80, 16, 17)] {
      let (x, weight, bias) = (wave([n, c, h, w], 0.37), wave([o, c, 3, 3], 0.11), wave([o], 0.2))
      let (target, what) = (wave([n, o, h, w], 0.7), "\(n)×\(c)→\(o) at \(h)×\(w)")
      var y = Tensor.zeros([1])
      let (_, gradients) = valueAndGradients(of: [x, weight, bias]) {
        y = conv2D(x, weight: weight, bias: bias, padding: .all(1))
        return meanSquaredError(y, target)
      }
      let dy = zip(y.values, target.values).map { 2 * (Double($0) - Double($1)) / Double(y.count) }
      let (a, b) = (x.values.map(Double.init), weight.values.map(Double.init))
      var dx = [Double](repeating: 0, count: a.count)
      var dw = [Double](repeating: 0, count: b.count)
      var dbias = [Double](repeating: 0, count: o)
      for i in dy.indices {
        let (image, out, row, column) = (i / (o * h * w), i / (h * w) % o, i / w % h, i % w)
        dbias[out] += dy[i]
        for tap in 0..<9 {
          let (u, v) = (row + tap / 3 - 1, column + tap % 3 - 1)
          guard (0..<h).contains(u), (0..<w).contains(v) else { continue }
          for k in 0..<c {
            let (pixel, coefficient) = (((image * c + k) * h + u) * w + v, (out * c + k) * 9 + tap)
            dx[pixel] += dy[i] * b[coefficient]
            dw[coefficient] += dy[i] * a[pixel]
          }
        }
      }
      for (gradient, (expected, name)) in zip(gradients, [(dx, "input"), (dw, "weight"), (dbias, "bias")]) {
        assertClose(gradient, expected, "\(name) of \(what)")
      }
    }
  }

  /// A map of 1,296 squares, more than go through Winograd's frequencies at a time, be it forward or into the weights'
  /// gradient, whose parts are then added up; against the way without tiles. That way errs too, so the two may be twice as
  /// far from each other as one is from the truth.
  func testLargeMapsGoInParts() {
    let (x, weight, bias) = (wave([1, 64, 144, 144], 0.37), wave([64, 64, 3, 3], 0.11), wave([64], 0.2))
    let target = wave([1, 64, 144, 144], 0.7)
    func results() -> [Tensor] {
      var y = x
      let (_, gradients) = valueAndGradients(of: [x, weight, bias]) {
        y = conv2D(x, weight: weight, bias: bias, padding: .all(1))
        return meanSquaredError(y, target)
      }
      return [y] + gradients
    }
    for (name, (a, b)) in zip(["result", "dx", "dw", "dbias"], bothWays(results)) {
      assertClose(a, b.values.map(Double.init), tolerance: 2e-5, name)
    }
  }

  /// What a body gives on tiles, each beside what it gives without.
  private func bothWays(_ body: () -> [Tensor]) -> [(Tensor, Tensor)] {
    let fast = body()
    Tiles.areUsed = false
    defer { Tiles.areUsed = true }
    return Array(zip(fast, body()))
  }

  /// Rows, columns and terms that are no multiples of a tile.
  func testMatrixProducts() {
    for (m, k, n) in [
      (1, 16, 16), (33, 100, 50), (16, 32, 32), (700, 40, 24), (5, 513, 65), (5, 33, 160), (40, 1500, 40),
    ] {
      let (x, w, bias) = (wave([m, k], 0.3), wave([n, k], 0.17), wave([n], 0.9))
      let (a, b) = (x.values.map(Double.init), w.values.map(Double.init))
      let expected = (0..<m * n).map { i in
        (0..<k).reduce(Double(bias.values[i % n])) { $0 + a[i / n * k + $1] * b[i % n * k + $1] }
      }
      assertClose(withoutGradients { linear(x, weight: w, bias: bias) }, expected, "\(m)×\(k)×\(n)")
      let activated = withoutGradients { linear(x, weight: w, bias: bias, activation: .silu) }
      assertClose(activated, expected.map { $0 / (1 + exp(-$0)) }, "\(m)×\(k)×\(n), activated")
    }
  }

  /// What is fused into a convolution's reading equals the operations one after the other.
  func testNormalizationOnTheWay() {
    for (size, c, o) in [(16, 32, 48), (8, 32, 48), (18, 80, 64)] {
      let (x, w, residual) = (
        wave([2, c, size, size], 0.37), wave([o, c, 3, 3], 0.11), wave([2, o, size, size], 0.7)
      )
      let norm = GroupNormalization(
        groups: 4, weight: wave([c], 0.4), bias: wave([c], 0.5), epsilon: 1e-5, shift: wave([2, c], 0.8),
        activation: .silu)
      withoutGradients {
        let fused = conv2D(x, after: norm, weight: w, bias: nil, padding: .all(1), adding: residual)
        let plain = conv2D(norm(x), weight: w, bias: nil, padding: .all(1)) + residual
        assertClose(fused, plain.values.map(Double.init), "\(c) to \(o) channels at \(size)")
      }
    }
  }

  /// Attention, and its gradients, over part of a block of queries and of keys and over several, against the way without
  /// tiles; another number of queries than of keys. Both ways sum up to 1,100 terms in f32, after exponents that pass on the
  /// errors of scores; they were found within 6e-6 of each other.
  func testAttention() {
    for (t, s, heads, size) in [(5, 16, 3, 16), (150, 530, 2, 20), (300, 1100, 1, 64), (130, 40, 1, 96)] {
      let c = heads * size
      let (q, k, v) = (wave([2, t, c], 0.37), wave([2, s, c], 0.21), wave([2, s, c], 0.53))
      let target = wave([2, t, c], 0.9)
      func results() -> [Tensor] {
        var y = q
        let (_, gradients) = valueAndGradients(of: [q, k, v]) {
          y = attention(q, k, v, heads: heads, scale: 0.2)
          return meanSquaredError(y, target)
        }
        return [y] + gradients
      }
      for (name, (a, b)) in zip(["result", "dq", "dk", "dv"], bothWays(results)) {
        assertClose(a, b.values.map(Double.init), "\(name) of \(t)×\(s), \(heads) heads of \(size)")
      }
    }
  }
}
