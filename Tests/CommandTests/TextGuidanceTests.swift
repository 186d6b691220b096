import Foundation
import NN
import Pictures
import TensorCore
import TestSupport
import XCTest

/// What says more of guidance than its scale, on a model that reads texts. Fixtures by `make_text_guidance.py`.
final class TextGuidanceTests: XCTestCase {
  private let model = Fixtures.url("stable-diffusion/sd")
  private let prompt = ["--prompt", "a red star on a blue background"]
  private let negative = ["--negative-prompt", "dark red circle"]
  private let five = ["--guidance-scale", "5"]

  private func run(_ command: String, _ arguments: [String], to name: String = "o.safetensors") throws -> URL
  {
    let url = try temporaryFolder(for: self).appending(path: name)
    let result = try Command.run(
      command, [arguments[0]] + prompt + arguments.dropFirst() + ["--output", url.path])
    XCTAssertEqual(result.code, 0, result.errors)
    return url
  }

  private func compare(
    _ key: String, _ arguments: [String], of other: URL? = nil, line: UInt = #line
  ) throws {
    let url = try run(
      "sample",
      [(other ?? model).path] + five + arguments + [
        "--rng", "torch", "--seed", "7", "--steps", "8", "--count", "2",
        "--schedule", Fixtures.url("stable-diffusion/schedulers/ddim.json").path,
      ])
    assertClose(
      try SafetensorsFile(url).tensor("images"),
      try Fixtures.tensors("stable-diffusion/guidance.safetensors").tensor(key), relative: 1e-4, key,
      line: line)
  }

  func testRescaleIntervalAndNegativeBranchesAreTheirFormulas() throws {
    try compare("rescale", negative + ["--guidance-rescale", "0.7"])
    try compare("end", negative + ["--guidance-end", "0.5"])
    try compare("branch", negative + ["--negative-scale", "2"])
    try compare("perpendicular", negative + ["--negative-scale", "2", "--perpendicular-negative"])
  }

  /// A copy of the model whose tensors at the end of the text encoder and of the network are so much less.
  private func weakened() throws -> URL {
    let weak = try temporaryFolder(for: self).appending(path: "weak")
    try FileManager.default.copyItem(at: model, to: weak)
    for (file, suffix, factor) in [
      ("text_encoder/model.safetensors", "final_layer_norm.weight", Float(0.5)),
      ("unet/diffusion_pytorch_model.safetensors", "conv_out.weight", 0.8),
    ] {
      let url = weak.appending(path: file)
      let own = try SafetensorsFile(url)
      let tensors = try own.entries.keys.sorted().map { key in
        (key, key.hasSuffix(suffix) ? factor * (try own.tensor(key)) : try own.tensor(key))
      }
      try SafetensorsWriter.write(tensors, to: url)
    }
    return weak
  }

  func testTheWeakerModelReadsThePromptByItsOwnEncoder() throws {
    try compare("autoguidance", ["--autoguidance", weakened().path])
  }

  /// Of a model by itself nothing is taken away, whenever that is done.
  func testAutoguidanceWithinAnIntervalByTheModelItselfChangesNothing() throws {
    let steps = [model.path, "--steps", "4"]
    let plain = try SafetensorsFile(run("sample", steps + ["--guidance-scale", "1"])).tensor("images")
    let guided = try SafetensorsFile(
      run("sample", steps + five + ["--autoguidance", model.path, "--guidance-start", "0.5"])
    ).tensor("images")
    assertClose(guided, plain, relative: 1e-4, "x + 5·(x − x)")
    let other = try SafetensorsFile(
      run("sample", steps + five + ["--autoguidance", weakened().path, "--guidance-start", "0.5"])
    ).tensor("images")
    XCTAssertNotEqual(other.values, plain.values)
  }

  /// A network without attention to texts in a pipeline that has them draws the same whatever it is told.
  func testANetworkThatReadsNoneOfThePipelinesTexts() throws {
    let copy = try temporaryFolder(for: self).appending(path: "unread")
    try FileManager.default.copyItem(at: model, to: copy)
    let (config, weights) = (
      copy.appending(path: "unet/config.json"),
      copy.appending(path: "unet/diffusion_pytorch_model.safetensors")
    )
    var json = try XCTUnwrap(JSONSerialization.jsonObject(with: Data(contentsOf: config)) as? [String: Any])
    json["down_block_types"] = ["DownBlock2D", "DownBlock2D"]
    json["up_block_types"] = ["UpBlock2D", "UpBlock2D"]
    json["mid_block_type"] = "UNetMidBlock2D"
    try JSONSerialization.data(withJSONObject: json).write(to: config)
    let own = try SafetensorsFile(weights)
    let keys = own.entries.keys.filter { !$0.contains(".attentions.") && !$0.contains("mid_block.resnets.1") }
    try SafetensorsWriter.write(try keys.sorted().map { ($0, try own.tensor($0)) }, to: weights)
    try compare("unread", [], of: copy)
  }

  /// Every command that samples takes them, and what is written down makes the picture again.
  func testEveryCommandGuidesAndIsReplayed() throws {
    let picture = Fixtures.url("edits/picture-16.png").path, mask = Fixtures.url("edits/mask-16.png").path
    let weak = try weakened()
    let rescaled = five + ["--guidance-rescale", "0.6", "--guidance-start", "0.3"]
    for (command, arguments) in [
      ("sample", [model.path] + rescaled + negative + ["--negative-scale", "2", "--perpendicular-negative"]),
      ("sample", [model.path] + rescaled + ["--autoguidance", weak.path]),
      ("img2img", [model.path, picture] + rescaled + negative),
      ("inpaint", [model.path, picture, "--mask", mask] + rescaled + ["--autoguidance", weak.path]),
    ] {
      let url = try run(command, arguments + ["--steps", "3"], to: "o.png")
      let recipe = try XCTUnwrap(Recipe.find(in: DecodedPicture(contentsOf: url).texts, file: "o.png"))
      XCTAssertEqual(recipe.guidanceRescale ?? 0, 0.6, accuracy: 1e-6)
      XCTAssertEqual(recipe.guidanceStart ?? 0, 0.3, accuracy: 1e-6)
      XCTAssertEqual(recipe.autoguidance, arguments.contains(weak.path) ? weak.path : nil)
      let replayed = try Command.run("replay", url.path)
      XCTAssertEqual(replayed.code, 0, replayed.errors)
      XCTAssertTrue(replayed.output.hasSuffix("identical\n"), replayed.output)
      if arguments.contains(weak.path) {
        let encoder = weak.appending(path: "text_encoder/model.safetensors")
        let whole = try Data(contentsOf: encoder)
        var changed = whole
        changed[changed.count - 1] ^= 1
        try changed.write(to: encoder)
        let refused = try Command.run("replay", url.path)
        XCTAssertTrue(
          refused.errors.contains("text_encoder/model.safetensors has changed since"), refused.errors)
        try whole.write(to: encoder)
      }
    }
  }

  func testWhatDoesNotGoTogetherIsRefusedInASentence() throws {
    let classes = Fixtures.url("pipelines/dit").path
    for (arguments, ending, code) in [
      (
        negative + ["--autoguidance", model.path], "--autoguidance and --negative-prompt exclude each other.",
        64
      ),
      (["--negative-scale", "2"], "--negative-scale goes with --negative-class or --negative-prompt.", 64),
      (["--negative-class", "1"], "which reads texts; use --negative-prompt.", 1),
      (
        ["--guidance-rescale", "0.5", "--guidance-scale", "1"],
        "--guidance-rescale does nothing at --guidance-scale 1; give a scale above 1.", 64
      ),
      (["--autoguidance", classes], "it reads no texts.", 1),
    ] {
      let out = try temporaryFolder(for: self).appending(path: "o.png")
      let result = try Command.run("sample", [model.path] + prompt + arguments + ["--output", out.path])
      XCTAssertEqual(result.code, Int32(code), result.errors)
      XCTAssertTrue(result.errors.contains(ending), result.errors)
      XCTAssertFalse(FileManager.default.fileExists(atPath: out.path))
    }
  }
}
