import Foundation
import TensorCore
import TestSupport
import XCTest

/// What is made of products against sums in double, on each processor that the machine has.
final class ProductTests: XCTestCase {
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
      // Few channels: less than a step, than a tile, than a panel.
      (3, 20, 12, 12, 3, 1, .all(1)), (4, 3, 5, 6, 3, 2, .all(1)), (130, 3, 9, 9, 3, 1, .all(1)),
      // Large enough for Winograd: whole squares, cut ones, an odd block of channels, rows longer than a strip.
      (64, 64, 16, 16, 3, 1, .all(1)), (80, 96, 17, 19, 3, 1, .all(1)), (64, 80, 8, 70, 3, 1, .all(1)),
      (64, 64, 18, 18, 3, 1, Padding(top: 2, left: 0, bottom: 0, right: 2)),
    ]
    for c in cases {
      let (x, w) = (wave([3, c.c, c.h, c.w], 0.37), wave([c.o, c.c, c.k, c.k], 0.11))
      let expected = convolution(x, w, stride: c.stride, c.p)
      onEachProcessor { processor in
        let y = withoutGradients { conv2D(x, weight: w, bias: nil, stride: c.stride, padding: c.p) }
        assertClose(y, expected, "\(c), \(processor)")
      }
    }
  }

  /// Gradients of convolutions: through Winograd with whole squares and cut ones, steps of squares and a part of one;
  /// through maps too small for it, at strides, and of few channels.
  func testConvolutionGradients() {
    let even = Padding(top: 0, left: 0, bottom: 1, right: 1)
    let cases: [(n: Int, c: Int, o: Int, h: Int, w: Int, k: Int, stride: Int, p: Padding)] = [
      (3, 64, 64, 16, 16, 3, 1, .all(1)), (2, 80, 64, 17, 19, 3, 1, .all(1)),
      (1, 64, 80, 16, 17, 3, 1, .all(1)),
      (5, 32, 48, 4, 4, 3, 1, .all(1)), (2, 20, 24, 7, 5, 3, 1, .all(1)), (2, 48, 32, 9, 9, 1, 1, .all(0)),
      (2, 32, 32, 8, 8, 3, 2, .all(1)), (2, 32, 16, 8, 8, 3, 2, even), (2, 16, 20, 9, 11, 3, 2, .all(1)),
      (2, 3, 20, 10, 10, 3, 1, .all(1)), (2, 40, 3, 6, 6, 5, 1, .all(2)), (1, 8, 24, 40, 24, 3, 1, .all(1)),
    ]
    for c in cases {
      let (x, weight, bias) = (
        wave([c.n, c.c, c.h, c.w], 0.37), wave([c.o, c.c, c.k, c.k], 0.11), wave([c.o], 0.2)
      )
      let outH = (c.h + c.p.top + c.p.bottom - c.k) / c.stride + 1
      let outW = (c.w + c.p.left + c.p.right - c.k) / c.stride + 1
      let dy = wave([c.n, c.o, outH, outW], 0.7)
      let (a, b, d) = (x.values.map(Double.init), weight.values.map(Double.init), dy.values.map(Double.init))
      var dx = [Double](repeating: 0, count: a.count)
      var dw = [Double](repeating: 0, count: b.count)
      var dbias = [Double](repeating: 0, count: c.o)
      for i in d.indices {
        let (image, out, row, column) = (
          i / (c.o * outH * outW), i / (outH * outW) % c.o, i / outW % outH, i % outW
        )
        dbias[out] += d[i]
        for tap in 0..<c.k * c.k {
          let (u, v) = (
            row * c.stride + tap / c.k - c.p.top, column * c.stride + tap % c.k - c.p.left
          )
          guard (0..<c.h).contains(u), (0..<c.w).contains(v) else { continue }
          for k in 0..<c.c {
            let (pixel, coefficient) = (
              ((image * c.c + k) * c.h + u) * c.w + v, (out * c.c + k) * c.k * c.k + tap
            )
            dx[pixel] += d[i] * b[coefficient]
            dw[coefficient] += d[i] * a[pixel]
          }
        }
      }
      onEachProcessor { processor in
        let (_, gradients) = valueAndGradients(of: [x, weight, bias]) {
          (conv2D(x, weight: weight, bias: bias, stride: c.stride, padding: c.p) * dy).sum()
        }
        for (gradient, (expected, name)) in zip(gradients, [(dx, "input"), (dw, "weight"), (dbias, "bias")]) {
          assertClose(gradient, expected, "\(name) of \(c), \(processor)")
        }
      }
    }
  }

  /// A map of 1,296 squares, more than go through Winograd's frequencies at a time, be it forward or into the weights'
  /// gradient, whose parts are then added up; some values of each against sums in double.
  func testLargeMapsGoInParts() {
    let (side, channels) = (144, 64)
    let (x, weight) = (wave([1, channels, side, side], 0.37), wave([channels, channels, 3, 3], 0.11))
    let dy = wave([1, channels, side, side], 0.7)
    var y = x
    let (_, gradients) = valueAndGradients(of: [x, weight]) {
      y = conv2D(x, weight: weight, bias: nil, padding: .all(1))
      return (y * dy).sum()
    }
    let (a, b, d) = (x.values, weight.values, dy.values)
    func at(_ map: [Float], _ channel: Int, _ row: Int, _ column: Int) -> Double {
      (0..<side).contains(row) && (0..<side).contains(column)
        ? Double(map[(channel * side + row) * side + column]) : 0
    }
    var (values, expected) = ([[Float]](repeating: [], count: 3), [[Double]](repeating: [], count: 3))
    for probe in 0..<60 {
      let (o, row, column) = (probe * 7 % channels, probe * 31 % side, probe * 57 % side)
      var (sum, back) = (0.0, 0.0)
      for k in 0..<channels {
        for tap in 0..<9 {
          let (u, v) = (tap / 3 - 1, tap % 3 - 1)
          sum += at(a, k, row + u, column + v) * Double(b[(o * channels + k) * 9 + tap])
          back += at(d, k, row - u, column - v) * Double(b[(k * channels + o) * 9 + tap])
        }
      }
      let (input, tap) = (probe * 13 % channels, probe % 9)
      var weightSum = 0.0
      for i in 0..<side {
        for j in 0..<side { weightSum += at(d, o, i, j) * at(a, input, i + tap / 3 - 1, j + tap % 3 - 1) }
      }
      let pixel = (o * side + row) * side + column
      for (i, pair) in [
        (y.values[pixel], sum), (gradients[0].values[pixel], back),
        (gradients[1].values[(o * channels + input) * 9 + tap], weightSum),
      ].enumerated() {
        values[i].append(pair.0)
        expected[i].append(pair.1)
      }
    }
    for (i, name) in ["result", "dx", "dw"].enumerated() {
      assertClose(Tensor(values[i], shape: [60]), expected[i], name)
    }
  }

  /// Rows, columns and terms that are no multiples of a tile.
  func testMatrixProducts() {
    for (m, k, n) in [
      (1, 16, 16), (2, 3, 5), (33, 100, 50), (16, 32, 32), (700, 40, 24), (5, 513, 65), (5, 33, 160),
      (40, 1500, 40),
    ] {
      let (x, w, bias) = (wave([m, k], 0.3), wave([n, k], 0.17), wave([n], 0.9))
      let (a, b) = (x.values.map(Double.init), w.values.map(Double.init))
      let expected = (0..<m * n).map { i in
        (0..<k).reduce(Double(bias.values[i % n])) { $0 + a[i / n * k + $1] * b[i % n * k + $1] }
      }
      onEachProcessor { processor in
        let what = "\(m)×\(k)×\(n), \(processor)"
        assertClose(withoutGradients { linear(x, weight: w, bias: bias) }, expected, what)
        let activated = withoutGradients { linear(x, weight: w, bias: bias, activation: .silu) }
        assertClose(activated, expected.map { $0 / (1 + exp(-$0)) }, "\(what), activated")
      }
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
      onEachProcessor { processor in
        withoutGradients {
          let fused = conv2D(x, after: norm, weight: w, bias: nil, padding: .all(1), adding: residual)
          let plain = conv2D(norm(x), weight: w, bias: nil, padding: .all(1)) + residual
          assertClose(fused, plain.values.map(Double.init), "\(c) to \(o) channels at \(size), \(processor)")
        }
      }
    }
  }

  /// Attention, and its gradients, over part of a block of queries and of keys and over several; another number of queries
  /// than of keys; heads smaller than a step. Exponents pass on the errors of scores, hence 2e-5.
  func testAttention() {
    for (t, s, heads, size) in [
      (5, 16, 3, 16), (3, 2, 2, 6), (150, 530, 2, 20), (300, 1100, 1, 64), (130, 40, 1, 96), (20, 24, 1, 600),
    ] {
      let c = heads * size
      let (q, k, v) = (wave([2, t, c], 0.37), wave([2, s, c], 0.21), wave([2, s, c], 0.53))
      let dy = wave([2, t, c], 0.9)
      let expected = attentionInDouble(q, k, v, dy, heads: heads, scale: 0.2)
      onEachProcessor { processor in
        // Plain C takes its time.
        if processor == .portable, t * s > 100_000 { return }
        var y = q
        let (_, gradients) = valueAndGradients(of: [q, k, v]) {
          y = attention(q, k, v, heads: heads, scale: 0.2)
          return (y * dy).sum()
        }
        for ((name, actual), expected) in zip(
          zip(["result", "dq", "dk", "dv"], [y] + gradients), expected)
        {
          assertClose(
            actual, expected, "\(name) of \(t)×\(s), \(heads) heads of \(size), \(processor)"
          )
        }
      }
    }
  }

  /// softmax(scale·q·kᵀ)·v and what dy gives for q, k and v, by the formulas.
  private func attentionInDouble(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, _ dy: Tensor, heads: Int, scale: Double
  ) -> [[Double]] {
    let ((n, t, c), s) = (q.shape3, k.shape[1])
    let size = c / heads
    let (q, k, v, d) = (
      q.values.map(Double.init), k.values.map(Double.init), v.values.map(Double.init),
      dy.values.map(Double.init)
    )
    var (y, dq) = ([Double](repeating: 0, count: q.count), [Double](repeating: 0, count: q.count))
    var (dk, dv) = ([Double](repeating: 0, count: k.count), [Double](repeating: 0, count: k.count))
    for head in 0..<n * heads {
      let (image, channel) = (head / heads, head % heads * size)
      for row in 0..<t {
        let at = (image * t + row) * c + channel
        func key(_ j: Int) -> Int { (image * s + j) * c + channel }
        func dot(_ a: [Double], _ i: Int, _ b: [Double], _ j: Int) -> Double {
          var sum = 0.0
          for l in 0..<size { sum += a[i + l] * b[j + l] }
          return sum
        }
        let scores = (0..<s).map { scale * dot(q, at, k, key($0)) }
        let top = scores.max() ?? 0
        let total = scores.reduce(0) { $0 + exp($1 - top) }
        let p = scores.map { exp($0 - top) / total }
        for j in 0..<s { for l in 0..<size { y[at + l] += p[j] * v[key(j) + l] } }
        let along = dot(d, at, y, at)
        for j in 0..<s {
          let ds = p[j] * (dot(d, at, v, key(j)) - along) * scale
          for l in 0..<size {
            dv[key(j) + l] += p[j] * d[at + l]
            dq[at + l] += ds * k[key(j) + l]
            dk[key(j) + l] += ds * q[at + l]
          }
        }
      }
    }
    return [y, dq, dk, dv]
  }
}
