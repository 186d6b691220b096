import Foundation
import TensorCore
import TestSupport
import XCTest

/// Threads with tensors of their own do not see each other, and what is detached gets no gradient.
final class ThreadsTests: XCTestCase {
  /// A few steps of gradient descent on a small network, begun from `seed`.
  private static func trained(_ seed: Int) -> [Float] {
    func wave(_ shape: [Int], _ step: Float) -> Tensor {
      Tensor((0..<shape.reduce(1, *)).map { sinf(Float($0 + seed) * step) }, shape: shape)
    }
    let (x, target) = (wave([2, 16, 8, 8], 0.3), wave([2, 32], 0.7))
    var parameters = [wave([16, 16, 3, 3], 0.1), wave([16], 0.2), 0.02 * wave([32, 1024], 0.05)]
    for _ in 0..<5 {
      let (_, gradients) = valueAndGradients(of: parameters) {
        let h = conv2D(x, weight: parameters[0], bias: parameters[1], padding: .all(1)).activated(.silu)
        return meanSquaredError(
          linear(h.reshaped([2, 1024]), weight: parameters[2], bias: nil), target)
      }
      parameters = zip(parameters, gradients).map { $0 + -1e-3 * $1 }
    }
    XCTAssert(parameters.allSatisfy { $0.values.allSatisfy(\.isFinite) }, "the network diverged")
    return parameters.flatMap(\.values)
  }

  func testThreadsWithTensorsOfTheirOwnGiveTheBitsOfOneAlone() {
    let alone = (0..<4).map { Self.trained($0) }
    let results = Results()
    DispatchQueue.concurrentPerform(iterations: 16) { i in results.set(i, Self.trained(i % 4)) }
    for i in 0..<16 { XCTAssertEqual(results.values[i], alone[i % 4], "thread \(i)") }
  }

  private final class Results: @unchecked Sendable {  // every access is under `lock`
    private let lock = NSLock()
    private var all: [Int: [Float]] = [:]

    func set(_ i: Int, _ value: [Float]) { lock.withLock { all[i] = value } }
    var values: [Int: [Float]] { lock.withLock { all } }
  }

  func testADetachedParameterGetsNoGradient() {
    let w = Tensor([1, 2, 3], shape: [3])
    let (_, gradients) = valueAndGradients(of: [w]) { (w * w.detached).sum() }
    XCTAssertEqual(gradients[0].values, [1, 2, 3])
  }
}
