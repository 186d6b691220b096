import NN
import TensorCore
import TestSupport
import XCTest

/// Holds a loss and the gradients of all parameters against those that PyTorch took, `gradients.safetensors` in a folder
/// of fixtures.
///
/// A gradient that is 0 in exact arithmetic (attention's key bias, which softmax cancels) is all rounding noise on both
/// sides; so it is measured against the largest of the whole network.
func assertGradients(
  of store: ParameterStore, equal folder: String, loss expectedLoss: Tensor, _ what: String,
  _ body: () throws -> Tensor
) throws {
  let expected = try Fixtures.tensors("\(folder)/gradients.safetensors")
  let (loss, gradients) = try valueAndGradients(of: store.parameters.map(\.tensor), body)
  assertClose(loss, expectedLoss, relative: 1e-4, "\(what): loss")
  let keys = store.parameters.map(\.key)
  XCTAssertEqual(Set(keys), Set(expected.entries.keys), "\(what): trainable parameters")
  let largest =
    try expected.entries.keys.map { try expected.tensor($0).values.map(abs).max() ?? 0 }.max() ?? 0
  for (key, gradient) in zip(keys, gradients) where expected.entries[key] != nil {
    if key.hasSuffix("to_k.bias") || key.hasSuffix("k_proj.bias") {
      XCTAssertLessThan(gradient.values.map(abs).max() ?? 0, 1e-5 * largest, "\(what): \(key)")
    } else {
      assertClose(gradient, try expected.tensor(key), relative: 1e-3, "\(what): gradient of \(key)")
    }
  }
}
