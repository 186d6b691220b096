import CKernels
import TensorCore
import XCTest

/// Each fast kernel against `reference.c`, over the memory orders and sizes at which their loops take other paths.
final class KernelTests: XCTestCase {
  private let kinds = [dk_identity, dk_silu, dk_gelu, dk_relu, dk_mish, dk_gelu_tanh, dk_quick_gelu]

  /// Values in −amplitude … amplitude from a fixed linear congruence; no generator of the program is trusted here.
  private func numbers(_ count: Int, amplitude: Float = 2, seed: UInt64 = 1) -> [Float] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (Float(state >> 40) / Float(1 << 23) - 1) * amplitude
    }
  }

  private func assertClose(
    _ actual: [Float], _ expected: [Double], tolerance: Double, _ what: String,
    file: StaticString = #filePath,
    line: UInt = #line
  ) {
    XCTAssertEqual(actual.count, expected.count, what, file: file, line: line)
    let scale = max(expected.map(abs).max() ?? 0, 1e-6)
    let errors = zip(actual, expected).map { abs(Double($0) - $1) / scale }
    guard let worst = errors.indices.max(by: { errors[$0] < errors[$1] }) else { return }
    XCTAssertLessThanOrEqual(
      errors[worst], tolerance, "\(what): worst at \(worst), \(actual[worst]) for \(expected[worst])",
      file: file,
      line: line)
  }

  /// [C, HW] → [C/B, HW, B], or back.
  private func blocked(_ x: [Float], c: Int, hw: Int, b: Int, inverse: Bool = false) -> [Float] {
    var y = x
    for channel in 0..<c {
      for p in 0..<hw {
        let (plain, block) = (channel * hw + p, (channel / b * hw + p) * b + channel % b)
        if inverse { y[plain] = x[block] } else { y[block] = x[plain] }
      }
    }
    return y
  }

  // 2e-6: a few units in the last place of the polynomials, relative to the largest value.
  func testActivations() {
    let x = numbers(1003, amplitude: 9) + [0, -0.0, 30, -30, 80, -80]
    for kind in kinds {
      var y = [Float](repeating: 0, count: x.count)
      dk_activate(x, &y, x.count, kind)
      assertClose(
        y, x.map { dk_reference_activation(Double($0), kind) }, tolerance: 2e-6, "activation \(kind)")
      // Derivatives away from ReLU's kink.
      let at = x.filter { abs($0) > 1e-3 && abs($0) < 20 }
      var dx = [Float](repeating: 0, count: at.count)
      dk_activate_gradient(at, [Float](repeating: 1, count: at.count), &dx, at.count, kind)
      assertClose(
        dx, at.map { dk_reference_derivative(Double($0), kind) }, tolerance: 3e-6, "derivative \(kind)")
    }
  }

  // 3e-6: sums of up to a thousand f32 terms in sixteen lanes.
  func testGroupNorm() {
    for (c, groups, b, hw) in [
      (32, 8, 16, 35), (48, 4, 16, 9), (24, 8, 8, 16), (24, 8, 24, 7), (12, 3, 1, 33), (96, 32, 16, 64),
      (6, 6, 1, 1000),
    ] {
      for (kind, fused) in [(dk_identity, false), (dk_silu, true), (dk_mish, true)] {
        let x = numbers(c * hw).map { $0 + 0.5 }
        let (weight, bias) = (numbers(c, seed: 2), numbers(c, seed: 3))
        let (shift, scale1, shift1) = (
          numbers(c, seed: 4), numbers(c, amplitude: 0.5, seed: 5), numbers(c, seed: 6)
        )
        var expected = [Double](repeating: 0, count: c * hw)
        dk_reference_group_norm(
          x, &expected, c, hw, groups, 1e-5, weight, bias, fused ? shift : nil, fused ? scale1 : nil,
          fused ? shift1 : nil, kind)
        let shape = dk_norm_shape(
          blocks: c / b, hw: hw, b: b, channels_per_group: c / groups, epsilon: 1e-5, activation: kind)
        var y = [Float](repeating: 0, count: c * hw)
        var (mean, rstd) = ([Float](repeating: 0, count: groups), [Float](repeating: 0, count: groups))
        var scratch = [Float](repeating: 0, count: 4 * c)
        weight.withUnsafeBufferPointer { weight in
          bias.withUnsafeBufferPointer { bias in
            shift.withUnsafeBufferPointer { shift in
              scale1.withUnsafeBufferPointer { scale1 in
                shift1.withUnsafeBufferPointer { shift1 in
                  let p = dk_norm_parameters(
                    weight: weight.baseAddress, bias: bias.baseAddress,
                    shift: fused ? shift.baseAddress : nil,
                    scale1: fused ? scale1.baseAddress : nil, shift1: fused ? shift1.baseAddress : nil)
                  dk_group_norm(blocked(x, c: c, hw: hw, b: b), &y, shape, p, &mean, &rstd, &scratch)
                }
              }
            }
          }
        }
        assertClose(
          blocked(y, c: c, hw: hw, b: b, inverse: true), expected, tolerance: 3e-6,
          "group norm of \(c) channels in \(groups), blocks of \(b), \(hw) pixels, activation \(kind)")
      }
    }
  }

  func testLayerNorm() {
    for (rows, columns) in [(3, 64), (5, 37), (1, 1152)] {
      let x = numbers(rows * columns)
      let (weight, bias) = (numbers(columns, seed: 2), numbers(columns, seed: 3))
      var y = [Float](repeating: 0, count: x.count)
      var expected = [Double](repeating: 0, count: x.count)
      var (mean, rstd) = ([Float](repeating: 0, count: rows), [Float](repeating: 0, count: rows))
      dk_layer_norm(x, &y, rows, columns, weight, bias, 1e-6, &mean, &rstd)
      dk_reference_layer_norm(x, &expected, rows, columns, weight, bias, 1e-6)
      assertClose(y, expected, tolerance: 3e-6, "layer norm \(rows)×\(columns)")
    }
  }

  func testSoftmax() {
    for (rows, columns) in [(3, 64), (2, 5), (4, 257)] {
      let x = numbers(rows * columns, amplitude: 12)
      var y = x
      var expected = [Double](repeating: 0, count: x.count)
      dk_softmax(&y, rows, columns)
      dk_reference_softmax(x, &expected, rows, columns)
      assertClose(y, expected, tolerance: 2e-6, "softmax \(rows)×\(columns)")
    }
  }

  func testFIR() {
    let taps: [Float] = [0.125, 0.375, 0.4, 0.1]
    for (h, w, up, down, pad) in [(6, 8, 2, 1, 2), (8, 6, 1, 2, 1), (5, 5, 1, 1, 1)] {
      let (outH, outW) = ((h * up + 2 * pad - 4) / down + 1, (w * up + 2 * pad - 4) / down + 1)
      let x = numbers(h * w)
      var expected = [Double](repeating: 0, count: outH * outW)
      dk_reference_fir(x, &expected, h, w, outH, outW, taps, 4, up, down, pad)
      var y = [Float](repeating: 0, count: outH * outW)
      dk_fir(x, &y, 1, h, w, 1, outH, outW, taps, 4, up, down, pad)
      assertClose(y, expected, tolerance: 1e-6, "FIR \(h)×\(w) up \(up) down \(down)")
    }
  }

  func testSumsAreExactToDouble() {
    let x = numbers(100_003)
    let expected = x.map(Double.init).reduce(0, +)
    XCTAssertEqual(dk_sum(x, x.count), expected, accuracy: 1e-9 * Double(x.count))
    XCTAssertEqual(
      dk_dot(x, x, x.count), x.map { Double($0) * Double($0) }.reduce(0, +), accuracy: 1e-12 * 133_542)
  }
}
