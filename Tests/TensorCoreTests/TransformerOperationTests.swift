import NN
import TensorCore
import TestSupport
import XCTest

/// What transformers that read text are made of, against PyTorch; fixtures by `make_transformer_ops.py`.
final class TransformerOperationTests: XCTestCase {
  private func assertCase(
    _ name: String, _ inputs: [String], _ run: ([Tensor], SafetensorsFile) throws -> Tensor
  ) throws {
    let file = try Fixtures.tensors("transformer-ops.safetensors")
    let given = try inputs.map { try file.tensor("\(name)/in/\($0)") }
    let dy = try file.tensor("\(name)/dy")
    // 1e-5: both sides round in f32, in another order of summation.
    assertClose(
      try withoutGradients { try run(given, file) }, try file.tensor("\(name)/y"), relative: 1e-5, name)
    let (_, gradients) = try valueAndGradients(of: given) {
      let y = try run(given, file)
      // Its gradient is dy: half the squared distance from y − dy.
      let target = y.detached - dy
      return (Float(dy.count) / 2) * meanSquaredError(y, target)
    }
    for (input, gradient) in zip(inputs, gradients) {
      assertClose(
        gradient, try file.tensor("\(name)/d/\(input)"), relative: 3e-5, "\(name): gradient of \(input)")
    }
  }

  func testGatedGELU() throws { try assertCase("geglu", ["x"]) { x, _ in x[0].gatedByGELU() } }

  func testQuickGELU() throws { try assertCase("quick-gelu", ["x"]) { x, _ in x[0].activated(.quickGELU) } }

  func testCrossEntropy() throws {
    try assertCase("cross-entropy", ["x"]) { x, _ in x[0].crossEntropies([0, 4, 2]) }
  }

  func testMaskedAttention() throws {
    for (name, heads, isCausal, masksKeys) in [
      ("causal", 2, true, false), ("keys", 4, false, true), ("both", 8, true, true),
    ] {
      try assertCase(name, ["q", "k", "v"]) { x, file in
        let mask = AttentionMask(isCausal: isCausal, keys: masksKeys ? try file.tensor("\(name)/seen") : nil)
        return maskedAttention(x[0], x[1], x[2], heads: heads, scale: 0.3, mask: mask)
      }
    }
  }

  func testAQueryThatSeesNoKeyGivesZeroAndHasNoGradient() {
    let x = Tensor((0..<24).map { Float($0) / 7 }, shape: [1, 3, 8])
    let mask = AttentionMask(keys: .zeros([1, 3]))
    let (value, gradients) = valueAndGradients(of: [x]) {
      meanSquaredError(maskedAttention(x, x, x, heads: 2, scale: 1, mask: mask), .full([1, 3, 8], 1))
    }
    XCTAssertEqual(value.item, 1)
    XCTAssertEqual(gradients[0].values, Array(repeating: 0, count: 24))
  }

  /// A picture's text must not change with what stands beside it in the batch.
  func testBitsDoNotDependOnTheBatch() {
    let key = NoiseKey(seed: 3, index: 0, step: 0, purpose: .drawing)
    let x = Tensor(Philox(key).normal(3 * 40 * 16), shape: [3, 40, 16])
    let mask = AttentionMask(isCausal: true)
    let all = maskedAttention(x, x, x, heads: 2, scale: 0.3, mask: mask)
    let one = x.rows(1..<2)
    XCTAssertEqual(
      maskedAttention(one, one, one, heads: 2, scale: 0.3, mask: mask).values.map(\.bitPattern),
      all.rows(1..<2).values.map(\.bitPattern))
  }
}
