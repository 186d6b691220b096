import TensorCore
import TestSupport
import XCTest

/// An image's bits depend neither on the batch that it is computed in nor on the number of threads, and a gradient's not
/// on the threads. Nor does either depend on the processor, as long as the arithmetic is one.
final class BitContractTests: XCTestCase {
  private let usualThreads = threadCount

  override func tearDown() { threadCount = usualThreads }

  private func map(_ n: Int, _ c: Int, _ size: Int) -> Tensor {
    wave([n, c, size, size], 0.37)
  }

  private func wave(_ shape: [Int], _ step: Float) -> Tensor {
    Tensor((0..<shape.reduce(1, *)).map { sinf(Float($0) * step) + 0.1 * cosf(Float($0 % 97)) }, shape: shape)
  }

  /// Runs `body` on a batch of 8, then on each image alone and on the first three, and compares bits.
  private func assertBatchInvariant(
    _ what: String, _ x: Tensor, file: StaticString = #filePath, line: UInt = #line,
    _ body: (Tensor) -> Tensor
  ) {
    withoutGradients {
      let whole = body(x)
      for range in [0..<1, 5..<6, 0..<3, 7..<8] {
        assertSameBits(
          body(x.rows(range)), whole.rows(range), "\(what): images \(range) alone", file: file, line: line)
      }
      for threads in [1, 2, 7] {
        threadCount = threads
        assertSameBits(body(x), whole, "\(what): \(threads) threads", file: file, line: line)
      }
      threadCount = usualThreads
    }
  }

  /// Runs `body` with each kind of product that this machine has.
  private func onEachProduct(_ body: (_ product: String) -> Void) {
    for precision in Precision.allCases {
      with(precision) {
        onEachProcessor { processor in
          // The same code as AVX2's, and slow.
          if processor != .portable { body("\(processor), \(precision)") }
        }
      }
    }
  }

  func testConvolutionsDoNotSeeTheBatch() {
    onEachProduct { product in
      for (c, o, kernel, stride, size) in [
        (64, 64, 3, 1, 16), (128, 64, 3, 1, 8), (32, 48, 3, 1, 4), (3, 32, 3, 1, 16), (32, 3, 3, 1, 16),
        (64, 64, 3, 2, 16), (48, 32, 1, 1, 8), (128, 64, 3, 1, 32), (20, 24, 3, 1, 9), (256, 256, 3, 1, 4),
      ] {
        let weight = wave([o, c, kernel, kernel], 0.11)
        let bias = wave([o], 0.7)
        assertBatchInvariant(
          "convolution \(c)→\(o), \(kernel)×\(kernel)/\(stride) at \(size), \(product)", map(8, c, size)
        ) {
          conv2D($0, weight: weight, bias: bias, stride: stride, padding: .all(kernel / 2))
        }
      }
    }
  }

  func testLinearAttentionAndNormsDoNotSeeTheBatch() {
    onEachProduct { _ in
      let (weight, bias) = (wave([96, 64], 0.2), wave([96], 0.3))
      assertBatchInvariant("linear map of one row an image", wave([8, 64], 0.31)) {
        linear($0, weight: weight, bias: bias)
      }
      assertBatchInvariant("linear map of 17 rows an image", wave([8, 17, 64], 0.31)) {
        linear($0, weight: weight, bias: bias)
      }
      for heads in [1, 4] {
        assertBatchInvariant("attention of \(heads) heads", wave([8, 100, 64], 0.13)) {
          attention($0, $0, $0, heads: heads, scale: 0.125)
        }
      }
      assertBatchInvariant("modulated layer norm and gate", wave([8, 70, 48], 0.13)) { x in
        let embedding = x.splitChannels([1, 69])[0].reshaped([x.shape[0], 48])
        return x.adding(
          modulatedLayerNorm(x, scale: embedding, shift: embedding, weight: nil, bias: nil, epsilon: 1e-6),
          gate: embedding)
      }
      let (gain, offset) = (wave([48], 0.4), wave([48], 0.5))
      assertBatchInvariant("group norm", map(8, 48, 7)) {
        groupNorm($0, groups: 8, weight: gain, bias: offset, epsilon: 1e-5, activation: .silu)
      }
    }
  }

  /// A result and gradients of all kinds, which every number of threads and every processor of one arithmetic give alike.
  func testGradientsSeeNeitherThreadsNorProcessor() {
    let x = map(6, 32, 16)
    let parameters = [
      x, wave([64, 32, 3, 3], 0.1), wave([64], 0.2), wave([64], 0.3), wave([64], 0.6),
      wave([64, 64, 3, 3], 0.4),
      wave([64, 64], 0.7), wave([32, 64, 1, 1], 0.9),
    ]
    func gradients() -> [Tensor] {
      let (value, gradients) = valueAndGradients(of: parameters) {
        var h = conv2D(parameters[0], weight: parameters[1], bias: parameters[2], padding: .all(1))
        h = groupNorm(
          h, groups: 16, weight: parameters[3], bias: parameters[4], epsilon: 1e-5, activation: .silu)
        h = conv2D(h, weight: parameters[5], bias: nil, stride: 2, padding: .all(1))
        let t = linear(h.tokens(), weight: parameters[6], bias: nil)
        h = attention(t, t, t, heads: 2, scale: 0.2).featureMap(height: 8, width: 8).upsampledNearest()
        h = conv2D(h, weight: parameters[7], bias: nil, padding: .all(0), adding: parameters[0])
        return meanSquaredError(h, .zeros(h.shape))
      }
      return [value] + gradients
    }
    for precision in Precision.allCases {
      var expected: [Processor.Arithmetic: [Tensor]] = [:]
      with(precision) {
        onEachProcessor { processor in
          for threads in [1, 2, 7] {
            threadCount = threads
            let found = gradients()
            let usual = expected[processor.arithmetic] ?? found
            expected[processor.arithmetic] = usual
            for (i, (a, b)) in zip(found, usual).enumerated() {
              let what = i == 0 ? "the loss" : "the gradient of parameter \(i - 1)"
              assertSameBits(a, b, "\(what), \(processor), \(precision), \(threads) threads")
            }
          }
        }
      }
    }
  }
}
