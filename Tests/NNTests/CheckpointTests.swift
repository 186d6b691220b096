import Foundation
import NN
import TensorCore
import TestSupport
import XCTest

final class CheckpointTests: XCTestCase {
  private func folder(_ tensors: [(key: String, tensor: Tensor)]) throws -> URL {
    let url = try temporaryFolder(for: self)
    try SafetensorsWriter.write(tensors, to: url.appending(path: "m.safetensors"))
    return url
  }

  private func problem(_ tensors: [(key: String, tensor: Tensor)]) throws -> String {
    let store = ParameterStore(.checkpoint(try Checkpoint(folder: try folder(tensors), stem: "m")))
    _ = Linear(store.root["layer"], inputs: 3, outputs: 2)
    do {
      try store.finish()
      return "none"
    } catch { return "\(error)" }
  }

  func testMissingSurplusAndMisshapenKeysAreNamed() throws {
    let (weight, bias) = (Tensor.zeros([2, 3]), Tensor.zeros([2]))
    XCTAssertEqual(try problem([("layer.weight", weight), ("layer.bias", bias)]), "none")
    XCTAssertTrue(try problem([("layer.weight", weight)]).contains("lacks 'layer.bias'"))
    XCTAssertTrue(
      try problem([("layer.weight", weight), ("layer.bias", bias), ("x", bias)]).contains("holds 'x', which"))
    XCTAssertTrue(
      try problem([("layer.weight", Tensor.zeros([3, 2])), ("layer.bias", bias)])
        .contains("'layer.weight' as [3, 2] where the model has [2, 3]"))
  }

  func testShardsAreRead() throws {
    let url = try temporaryFolder(for: self)
    try SafetensorsWriter.write(
      [("a", Tensor([1, 2], shape: [2]))], to: url.appending(path: "m-1.safetensors"))
    try SafetensorsWriter.write([("b", Tensor([3], shape: [1]))], to: url.appending(path: "m-2.safetensors"))
    let index = #"{"metadata": {}, "weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"}}"#
    try Data(index.utf8).write(to: url.appending(path: "m.safetensors.index.json"))
    let checkpoint = try Checkpoint(folder: url, stem: "m")
    XCTAssertEqual(checkpoint.keys, ["a", "b"])
    XCTAssertEqual(try checkpoint.tensor("b").values, [3])
  }

  /// diffusers reads, and so do we, attention that was saved before its matrices were renamed.
  func testDeprecatedAttentionNamesAreRead() throws {
    let square = Tensor((0..<16).map(Float.init), shape: [4, 4])
    let bias = Tensor.zeros([4])
    var tensors: [(key: String, tensor: Tensor)] = [
      ("a.group_norm.weight", bias), ("a.group_norm.bias", bias),
    ]
    for name in ["query", "key", "value", "proj_attn"] {
      tensors += [("a.\(name).weight", square), ("a.\(name).bias", bias)]
    }
    let store = ParameterStore(.checkpoint(try Checkpoint(folder: try folder(tensors), stem: "m")))
    _ = SelfAttention(store.root["a"], channels: 4, headSize: 4, groups: 2, epsilon: 1e-5)
    XCTAssertNoThrow(try store.finish())
    XCTAssertEqual(store.parameters.first { $0.key == "a.to_q.weight" }?.tensor.values, square.values)
  }

  func testFreshWeightsDependOnTheirKeyAlone() {
    func weights(_ order: [String]) -> [String: [Float]] {
      let store = ParameterStore(.fresh(seed: 5))
      for name in order { _ = Linear(store.root[name], inputs: 8, outputs: 4) }
      return Dictionary(uniqueKeysWithValues: store.parameters.map { ($0.key, $0.tensor.values) })
    }
    XCTAssertEqual(weights(["a", "b"]), weights(["b", "a"]))
    let values = weights(["a"])["a.weight"] ?? []
    XCTAssertLessThanOrEqual(values.map(abs).max() ?? 1, 1 / Float(8).squareRoot())
    XCTAssertNotEqual(values, weights(["b"])["b.weight"])
  }
}
