import Foundation
import NN
import TensorCore
import TestSupport
import XCTest

/// `darkroom export`: a model alone, its weights rounded.
final class ExportCommandTests: XCTestCase {
  func testAModelIsWrittenAloneAndInHalfTheSize() throws {
    let folder = try temporaryFolder(for: self)
    let model = Fixtures.url("stable-diffusion/sd")
    for (precision, type, error) in [
      ("f16", "F16", Float(0.0005)), ("bf16", "BF16", 0.004), ("f32", "F32", 0),
    ] {
      let target = folder.appending(path: precision)
      let result = try Command.run(
        "export", model.path, "--precision", precision, "--output", target.path)
      XCTAssertEqual(result.code, 0, result.errors)
      let weights = "unet/diffusion_pytorch_model.safetensors"
      let (before, after) = (
        try SafetensorsFile(model.appending(path: weights)),
        try SafetensorsFile(target.appending(path: weights))
      )
      XCTAssertEqual(Set(after.entries.values.map(\.type)), [type])
      XCTAssertEqual(Set(after.entries.keys), Set(before.entries.keys))
      for key in before.entries.keys {
        for (a, b) in zip(try before.tensor(key).values, try after.tensor(key).values) {
          XCTAssertEqual(a, b, accuracy: error * abs(a) + (error == 0 ? 0 : 1e-7), key)
        }
      }
      let sampled = try Command.run(
        "sample", target.path, "--prompt", "a star", "--steps", "2", "--output",
        folder.appending(path: "o.png").path)
      XCTAssertEqual(sampled.code, 0, sampled.errors)
    }
    let again = try Command.run(
      "export", model.path, "--output", folder.appending(path: "f16").path)
    XCTAssertEqual(again.code, 1)
    XCTAssertTrue(again.errors.contains("holds files already"), again.errors)
  }

  func testFlatAndClassConditionalModelsAreWrittenToo() throws {
    let folder = try temporaryFolder(for: self)
    for name in ["ddim", "ldm", "dit"] {
      let target = folder.appending(path: name)
      let result = try Command.run(
        "export", Fixtures.url("pipelines/\(name)").path, "--output", target.path)
      XCTAssertEqual(result.code, 0, result.errors)
      let info = try Command.run("info", target.path)
      XCTAssertEqual(info.code, 0, info.errors)
    }
  }

  func testWhatHalfPrecisionHasNoRoomForIsNamed() throws {
    let folder = try temporaryFolder(for: self)
    let model = folder.appending(path: "model")
    try FileManager.default.copyItem(at: Fixtures.url("pipelines/ddim"), to: model)
    let file = model.appending(path: "unet/diffusion_pytorch_model.safetensors")
    let stored = try SafetensorsFile(file)
    let tensors = try stored.entries.keys.sorted().map { ($0, try stored.tensor($0)) }
    let changed = tensors.map { key, tensor in
      (key, key == "conv_in.bias" ? Tensor.full(tensor.shape, 70_000) : tensor)
    }
    try SafetensorsWriter.write(changed.map { (key: $0.0, tensor: $0.1) }, to: file)
    let target = folder.appending(path: "out").path
    let refused = try Command.run("export", model.path, "--output", target)
    XCTAssertEqual(refused.code, 1)
    XCTAssertTrue(refused.errors.contains("conv_in.bias"), refused.errors)
    XCTAssertEqual(
      try Command.run("export", model.path, "--precision", "bf16", "--output", target + "2").code, 0)
  }
}
