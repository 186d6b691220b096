import Foundation
import Models
import NN
import Pictures
import Pipelines
import TensorCore
import TestSupport
import Training
import XCTest

/// `darkroom train controlnet`: for a base of pixels, one of latents and a transformer; what it leaves, and what it refuses.
final class ControlNetTrainingTests: XCTestCase {
  private var folder = URL(fileURLWithPath: "/")

  /// Shapes in `pairs/a` with their lines in `pairs/b`, told in `metadata.jsonl`.
  override func setUpWithError() throws {
    folder = try temporaryFolder(for: self)
    var lines = ""
    for side in ["a", "b"] {
      try FileManager.default.createDirectory(at: url("pairs/\(side)"), withIntermediateDirectories: true)
    }
    let shapes = ShapesDataset(count: 12, size: 16, seed: 4)
    for i in 0..<12 {
      let picture = shapes.example(i).picture
      try picture.write(to: url("pairs/a/\(i).png"))
      try picture.lineArt().write(to: url("pairs/b/\(i).png"))
      lines += #"{"file_name": "a/\#(i).png", "conditioning_image": "b/\#(i).png"}"# + "\n"
    }
    try Data(lines.utf8).write(to: url("pairs/metadata.jsonl"))
  }

  private func url(_ name: String) -> URL { folder.appending(path: name) }

  private func base(_ name: String) -> String { Fixtures.url("pipelines/\(name)").path }

  private func train(
    _ base: String, _ output: String, _ more: [String] = [], pairs: String = "pairs", steps: Int = 3
  ) throws -> Command.Result {
    try Command.run(
      "train",
      [
        "controlnet", base, url(pairs).path, "--output", url(output).path, "--resolution", "16", "--steps",
        "\(steps)", "--batch-size", "4", "--preview-every", "2", "--learning-rate", "1e-2", "--threads", "2",
      ] + more)
  }

  private func sample(_ base: String, _ name: String, _ more: [String]) throws -> Tensor {
    let file = url("\(name).safetensors")
    let result = try Command.run(
      "sample", [base, "--steps", "3", "--size", "16x16", "--count", "2", "--output", file.path] + more)
    XCTAssertEqual(result.code, 0, result.errors)
    return try SafetensorsFile(file).tensor("images")
  }

  private func control(_ net: String) -> [String] {
    ["--controlnet", url(net).path, "--control-image", url("pairs/b/3.png").path]
  }

  func testAFreshOneChangesNothingAndATrainedOneSteers() throws {
    for name in ["ddim", "ldm", "dit"] {
      let model = base(name)
      let opened = try ModelFolder(URL(fileURLWithPath: model))
      let config = try XCTUnwrap(
        ControlNetFamilies.config(
          for: opened.config, downsampling: opened.vae?.config.downsampling ?? 1))
      let fresh = try config.build(ParameterStore(.fresh(seed: 5)))
      fresh.copyWeights(of: try opened.denoiser().parameters)
      try ControlNetFolder.save(
        fresh.parameters.all.map { ($0.key, $0.tensor) }, config, to: url("\(name)-fresh"))
      let plain = try sample(model, "plain", [])
      assertSameBits(try sample(model, "fresh", control("\(name)-fresh")), plain, name)

      let before = try opened.hashes()
      let result = try train(model, name)
      XCTAssertEqual(result.code, 0, "\(name): \(result.errors)")
      XCTAssertEqual(try opened.hashes(), before, "\(name): the base has changed")
      XCTAssertTrue(FileManager.default.fileExists(atPath: url("\(name)/previews/step-000002.png").path))
      let trained = try ControlNetFolder(url(name), for: opened)
      XCTAssertEqual(
        Set(trained.checkpoint.keys), Set(fresh.parameters.all.map(\.key)), "\(name): only the ControlNet")
      let steered = try sample(model, "steered", control(name))
      XCTAssertNotEqual(steered.values, plain.values, "\(name): nothing was learned")
      XCTAssertNil(steered.firstNotFinite)
    }
  }

  func testARunThatWasStoppedEndsInTheSameBytes() throws {
    XCTAssertEqual(try train(base("ddim"), "whole", ["--decay", "constant", "--flip"], steps: 4).code, 0)
    XCTAssertEqual(try train(base("ddim"), "half", ["--decay", "constant", "--flip"], steps: 2).code, 0)
    let resumed = try Command.run("resume", [url("half").path, "--extend-to", "4"])
    XCTAssertEqual(resumed.code, 0, resumed.errors)
    let file = "diffusion_pytorch_model.safetensors"
    XCTAssertEqual(try Data(contentsOf: url("half/\(file)")), try Data(contentsOf: url("whole/\(file)")))
    let other = try train(base("ddpm"), "half", ["--decay", "constant", "--flip", "--resume"], steps: 4)
    XCTAssertEqual(other.code, 1)
    XCTAssertTrue(other.errors.contains("half was begun with"), other.errors)
  }

  func testTwoFoldersAreThePairsOfMetadata() throws {
    XCTAssertEqual(try train(base("ddim"), "told").code, 0)
    let result = try train(
      base("ddim"), "folders", ["--conditions", url("pairs/b").path], pairs: "pairs/a")
    XCTAssertEqual(result.code, 0, result.errors)
    let file = "diffusion_pytorch_model.safetensors"
    XCTAssertEqual(try Data(contentsOf: url("told/\(file)")), try Data(contentsOf: url("folders/\(file)")))
  }

  private func refuse(
    _ part: String, _ more: [String] = [], pairs: String = "pairs",
    line: UInt = #line
  ) throws {
    let result = try train(base("ddim"), "refused", more, pairs: pairs)
    XCTAssertEqual(result.code, 1, result.errors, line: line)
    XCTAssertTrue(result.errors.contains(part), result.errors, line: line)
    XCTAssertFalse(FileManager.default.fileExists(atPath: url("refused").path), line: line)
  }

  func testWhatCannotBeTrainedIsNamed() throws {
    try refuse("knows no classes; leave --classes out", ["--classes", "folders"])
    try refuse("has nothing that steers to 0.png, 1.png, 10.png, 11.png and 8 more", pairs: "pairs/a")
    try FileManager.default.removeItem(at: url("pairs/b/7.png"))
    try refuse(
      "has nothing that steers to a/7.png: metadata.jsonl names no conditioning_image that is there")
    try refuse(
      "has nothing that steers to 7.png: \(url("pairs/b").path) holds no picture of the same name",
      ["--conditions", url("pairs/b").path], pairs: "pairs/a")
    try Picture(width: 8, height: 16, color: .white).write(to: url("pairs/b/7.png"))
    try refuse("b/7.png is 8x16, and the picture that it steers to, a/7.png, is 16x16; give both one size")
    let text = try Command.run(
      "train",
      [
        "controlnet", Fixtures.url("stable-diffusion/sd").path, url("pairs").path, "--output",
        url("refused").path,
      ])
    XCTAssertEqual(text.code, 1)
    XCTAssertTrue(text.errors.contains("reads texts; a ControlNet for such a model"), text.errors)
  }
}
