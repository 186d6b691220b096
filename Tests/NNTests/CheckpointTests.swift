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

  func testHalfPrecisionIsFoundUnderDiffusersNames() throws {
    let one = Tensor([1], shape: [1])
    let whole = try temporaryFolder(for: self)
    try SafetensorsWriter.write([("a", one)], to: whole.appending(path: "m.fp16.safetensors"))
    XCTAssertEqual(try Checkpoint(folder: whole, stem: "m").keys, ["a"])
    let sharded = try temporaryFolder(for: self)
    try SafetensorsWriter.write(
      [("b", one)], to: sharded.appending(path: "m.fp16-00001-of-00001.safetensors"))
    try Data(#"{"weight_map": {"b": "m.fp16-00001-of-00001.safetensors"}}"#.utf8)
      .write(to: sharded.appending(path: "m.safetensors.index.fp16.json"))
    XCTAssertEqual(try Checkpoint(folder: sharded, stem: "m").keys, ["b"])
  }

  func testAnIndexThatIsWrongSaysWhere() throws {
    let url = try temporaryFolder(for: self)
    try SafetensorsWriter.write([("a", Tensor([1], shape: [1]))], to: url.appending(path: "m-1.safetensors"))
    for (index, expected) in [
      (
        #"{"weight_map": {"a": "m-1.safetensors", "b": "m-1.safetensors"}}"#,
        "looks for 'b' in m-1.safetensors"
      ),
      (
        #"{"weight_map": {"a": "../m-1.safetensors"}}"#,
        "names the shard '../m-1.safetensors' outside its folder"
      ),
      (#"{"weight_map": {"a": "m-2.safetensors"}}"#, "m-2.safetensors cannot be read"),
      (#"{"weight_map": {"a": 1}}"#, "is not an index"),
      ("nonsense", "is not an index"),
    ] {
      try Data(index.utf8).write(to: url.appending(path: "m.safetensors.index.json"))
      XCTAssertThrowsError(try Checkpoint(folder: url, stem: "m"), index) {
        XCTAssertTrue("\($0)".contains(expected), "\($0)")
      }
    }
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

  func testALayerOfImpossibleSizeIsNamedAndAPlanCostsNothing() {
    let store = ParameterStore(.plan)
    _ = GroupNorm(store.root["blocks"][1]["norm"], channels: 10, groups: 4, epsilon: 1e-5)
    _ = Linear(store.root["wide"], inputs: 1 << 20, outputs: 1 << 20)  // 4 TiB, were it made
    XCTAssertEqual(store.parameterCount, 20 + (1 << 40) + (1 << 20))
    XCTAssertThrowsError(try store.finish()) {
      XCTAssertEqual(
        "\($0)", "the layer 'blocks.1.norm' would have 10 channels, which 4 groups do not divide.")
    }
  }
}

/// Weights of a file, whose memory may go while another form of them serves.
final class RereadWeightsTests: XCTestCase {
  func testAWeightThatWasLetGoIsReadAgainUntilItChanges() throws {
    let folder = try temporaryFolder(for: self)
    let values = (0..<80 * 64).map { Float($0 % 97) / 97 - 0.5 }
    let url = folder.appending(path: "m.safetensors")
    try SafetensorsWriter.write([("weight", Tensor(values, shape: [80, 64]))], to: url)
    let store = ParameterStore(.checkpoint(try Checkpoint(folder: folder, stem: "m")))
    let weight = store.root.parameter("weight", [80, 64], .constant(0))
    try store.finish()

    // A new file in the old one's place says nothing of what was read.
    try SafetensorsWriter.write([("weight", Tensor.zeros([80, 64]))], to: url)
    weight.storage.letGo()
    XCTAssertFalse(weight.storage.isResident)
    XCTAssertEqual(weight.values, values)
    XCTAssertTrue(weight.storage.isResident)

    // What serves in its place gives the same bits, again and again.
    let x = Tensor((0..<48 * 64).map { Float($0 % 31) / 31 }, shape: [48, 64])
    let map = { withoutGradients { linear(x, weight: weight, bias: nil).values.map(\.bitPattern) } }
    let fresh = Tensor(values, shape: [80, 64])
    let expected = withoutGradients { linear(x, weight: fresh, bias: nil).values.map(\.bitPattern) }
    for _ in 0..<3 { XCTAssertEqual(map(), expected) }

    weight.overwrite(with: .full([80, 64], 2))
    weight.storage.letGo()
    XCTAssertTrue(weight.storage.isResident, "what no file has must not go")
    XCTAssertEqual(weight.values, Array(repeating: 2, count: 80 * 64))
  }
}
