import Foundation
import Models
import NN
import Pictures
import Pipelines
import TensorCore
import TestSupport
import Training
import XCTest

/// `darkroom train controlnet`: for bases of pixels and of latents, a transformer, and models that read captions; what it
/// leaves, and what it refuses.
final class ControlNetTrainingTests: XCTestCase {
  private var folder = URL(fileURLWithPath: "/")

  /// Shapes in `pairs/a` with their lines in `pairs/b`, told in `metadata.jsonl` with their captions.
  override func setUpWithError() throws {
    folder = try temporaryFolder(for: self)
    for side in ["a", "b"] {
      try FileManager.default.createDirectory(at: url("pairs/\(side)"), withIntermediateDirectories: true)
    }
    for i in 0..<12 {
      let picture = Self.shapes.example(i).picture
      try picture.write(to: url("pairs/a/\(i).png"))
      try picture.lineArt().write(to: url("pairs/b/\(i).png"))
    }
    try writeMetadata()
  }

  private static let shapes = ShapesDataset(count: 12, size: 16, seed: 4)

  /// - Parameter silent: pictures that have no caption.
  private func writeMetadata(silent: Set<Int> = []) throws {
    let lines = (0..<12).map { i in
      #"{"file_name": "a/\#(i).png", "conditioning_image": "b/\#(i).png""#
        + (silent.contains(i) ? "}" : #", "text": "\#(Self.shapes.example(i).caption)"}"#)
    }
    try Data(lines.joined(separator: "\n").utf8).write(to: url("pairs/metadata.jsonl"))
  }

  private func url(_ name: String) -> URL { folder.appending(path: name) }

  private static let readers: Set = ["sd", "sdxl"]

  private func base(_ name: String) -> String {
    Fixtures.url((Self.readers.contains(name) ? "stable-diffusion/" : "pipelines/") + name).path
  }

  /// A model of pixels that reads captions, hardly trained.
  private func captionedBase() throws -> String {
    try Self.shapes.write(to: url("shapes"))
    let json = """
      {"_class_name": "UNet2DConditionModel", "sample_size": 16, "in_channels": 3, "out_channels": 3,
       "block_out_channels": [8, 16], "layers_per_block": 1, "norm_num_groups": 4, "cross_attention_dim": 16,
       "attention_head_dim": 2, "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
       "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"]}
      """
    try Data(json.utf8).write(to: url("config.json"))
    let result = try Command.run(
      "train",
      [
        url("shapes").path, "--captions", "metadata", "--config", url("config.json").path, "--steps", "2",
        "--batch-size", "4", "--preview-every", "0", "--output", url("told").path,
      ])
    XCTAssertEqual(result.code, 0, result.errors)
    return url("told").path
  }

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
    for name in ["ddim", "ldm", "dit", "sd", "sdxl", "told"] {
      let model = name == "told" ? try captionedBase() : base(name)
      let opened = try ModelFolder(URL(fileURLWithPath: model))
      let config = try XCTUnwrap(
        ControlNetFamilies.config(
          for: opened.config, downsampling: opened.vae?.config.downsampling ?? 1))
      let fresh = try config.build(ParameterStore(.fresh(seed: 5)))
      fresh.copyWeights(of: try opened.denoiser().parameters)
      try ControlNetFolder.save(
        fresh.parameters.all.map { ($0.key, $0.tensor) }, config, to: url("\(name)-fresh"))
      let prompt = opened.text == nil ? [] : ["--prompt", "a red star on a blue background"]
      let plain = try sample(model, "plain", prompt)
      assertSameBits(try sample(model, "fresh", prompt + control("\(name)-fresh")), plain, name)

      let before = try opened.hashes()
      let result = try train(model, "\(name)-net")
      XCTAssertEqual(result.code, 0, "\(name): \(result.errors)")
      XCTAssertEqual(try opened.hashes(), before, "\(name): the base has changed")
      XCTAssertTrue(FileManager.default.fileExists(atPath: url("\(name)-net/previews/step-000002.png").path))
      let trained = try ControlNetFolder(url("\(name)-net"), for: opened)
      XCTAssertEqual(
        Set(trained.checkpoint.keys), Set(fresh.parameters.all.map(\.key)), "\(name): only the ControlNet")
      let steered = try sample(model, "steered", prompt + control("\(name)-net"))
      XCTAssertNotEqual(steered.values, plain.values, "\(name): nothing was learned")
      XCTAssertNil(steered.firstNotFinite)
    }
  }

  private func weights(_ run: String) throws -> Data {
    try Data(contentsOf: url("\(run)/diffusion_pytorch_model.safetensors"))
  }

  /// What diffusers saved for the same base has the same tensors and the same configuration keys.
  func testTheFolderIsAsDiffusersKeepsOne() throws {
    XCTAssertEqual(try train(base("sd"), "net").code, 0)
    let theirs = Fixtures.url("controlled/first")
    func keys(_ folder: URL) throws -> (tensors: Set<String>, configuration: Set<String>) {
      let file = try SafetensorsFile(folder.appending(path: "diffusion_pytorch_model.safetensors"))
      let json = try JSONSerialization.jsonObject(
        with: Data(contentsOf: folder.appending(path: "config.json")))
      return (Set(file.entries.keys), Set(try XCTUnwrap(json as? [String: Any]).keys))
    }
    let (found, expected) = (try keys(url("net")), try keys(theirs))
    XCTAssertEqual(found.tensors, expected.tensors)
    XCTAssertEqual(found.configuration, expected.configuration)
  }

  /// A share of captions is hidden, half of them unless told otherwise; hidden ones decide nothing.
  func testCaptionsAreToldAndHidden() throws {
    let model = try captionedBase()
    func trained(_ name: String, _ more: [String]) throws -> Data {
      let result = try train(model, name, ["--flip"] + more)
      XCTAssertEqual(result.code, 0, result.errors)
      return try weights(name)
    }
    let half = try trained("half", [])
    XCTAssertEqual(half, try trained("named", ["--caption-dropout", "0.5", "--captions", "any"]))
    let (captioned, hidden) = (
      try trained("all", ["--caption-dropout", "0"]), try trained("none", ["--caption-dropout", "1"])
    )
    XCTAssertEqual(Set([half, captioned, hidden]).count, 3)
    let lines = try String(contentsOf: url("pairs/metadata.jsonl"), encoding: .utf8)
    try Data(lines.replacingOccurrences(of: "background", with: "ground").utf8)
      .write(to: url("pairs/metadata.jsonl"))
    XCTAssertEqual(try trained("none-other", ["--caption-dropout", "1"]), hidden)
    XCTAssertNotEqual(try trained("all-other", ["--caption-dropout", "0"]), captioned)
    let resumed = try train(model, "all", ["--flip", "--caption-dropout", "0", "--resume"])
    XCTAssertEqual(resumed.code, 1)
    XCTAssertTrue(
      resumed.errors.contains("all was begun with the captions of the fingerprint"), resumed.errors)
  }

  func testARunThatWasStoppedEndsInTheSameBytes() throws {
    for (name, model) in [("ddim", base("ddim")), ("told", try captionedBase())] {
      let options = ["--decay", "constant", "--flip"]
      XCTAssertEqual(try train(model, "\(name)-whole", options, steps: 4).code, 0)
      XCTAssertEqual(try train(model, "\(name)-half", options, steps: 2).code, 0)
      let resumed = try Command.run("resume", [url("\(name)-half").path, "--extend-to", "4"])
      XCTAssertEqual(resumed.code, 0, resumed.errors)
      XCTAssertEqual(try weights("\(name)-half"), try weights("\(name)-whole"), name)
    }
    let other = try train(base("ddpm"), "ddim-half", ["--decay", "constant", "--flip", "--resume"], steps: 4)
    XCTAssertEqual(other.code, 1)
    XCTAssertTrue(other.errors.contains("ddim-half was begun with"), other.errors)
  }

  func testTwoFoldersAreThePairsOfMetadata() throws {
    XCTAssertEqual(try train(base("ddim"), "told").code, 0)
    let result = try train(
      base("ddim"), "folders", ["--conditions", url("pairs/b").path], pairs: "pairs/a")
    XCTAssertEqual(result.code, 0, result.errors)
    XCTAssertEqual(try weights("told"), try weights("folders"))
  }

  private func refuse(
    _ part: String, _ more: [String] = [], pairs: String = "pairs", base name: String = "ddim",
    line: UInt = #line
  ) throws {
    let result = try train(base(name), "refused", more, pairs: pairs)
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
  }

  func testPicturesWithoutACaptionAreNamed() throws {
    try refuse("reads no texts; leave --captions out", ["--captions", "metadata"])
    try writeMetadata(silent: [3, 7])
    try refuse("has no caption for 2 of its 12 pictures: a/3.png, a/7.png; write them", base: "sd")
    let result = try train(base("sd"), "rest", ["--skip-bad"])
    XCTAssertEqual(result.code, 0, result.errors)
    XCTAssertTrue(
      result.errors.contains("left out, since 2 have no caption: a/3.png, a/7.png"), result.errors)
    try writeMetadata(silent: Set(0..<12))
    try refuse("has no caption for 12 of its 12 pictures", ["--skip-bad"], base: "sd")
  }
}
