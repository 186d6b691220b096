import Foundation
import Models
import NN
import Pictures
import Pipelines
import TensorCore
import TestSupport
import Training
import XCTest

/// `darkroom sample --classifier`, on a model and a classifier that are trained for it.
final class ClassifierSamplingTests: XCTestCase {
  private var folder = URL(fileURLWithPath: "/")

  override func setUpWithError() throws {
    folder = try temporaryFolder(for: self)
    try ShapesDataset(count: 48, size: 16, seed: 2).write(to: folder.appending(path: "shapes"))
    // A test moves pictures about; captions take no part here.
    try FileManager.default.removeItem(atPath: path("shapes/metadata.jsonl"))
    let unet = """
      {"sample_size": 8, "block_out_channels": [8, 16], "layers_per_block": 1, "norm_num_groups": 4,
       "down_block_types": ["DownBlock2D", "DownBlock2D"], "up_block_types": ["UpBlock2D", "UpBlock2D"],
       "add_attention": false}
      """
    try Data(unet.utf8).write(to: folder.appending(path: "unet.json"))
  }

  private func path(_ name: String) -> String { folder.appending(path: name).path }
  private func model(_ name: String) -> String { Fixtures.url("pipelines/\(name)").path }

  /// A network of 8×8 pictures.
  private func train(_ name: String, _ arguments: [String], steps: Int = 1) throws {
    let result = try Command.run(
      "train",
      arguments + [
        path("shapes"), "--config", path("unet.json"), "--output", path(name), "--steps", "\(steps)",
        "--batch-size", "16", "--learning-rate", "5e-3", "--threads", "1", "--preview-every", "0", "--quiet",
      ])
    XCTAssertEqual(result.code, 0, result.errors)
  }

  /// A classifier of noisy pictures, at the noise that models are trained with.
  private func trainGuide(steps: Int = 1) throws {
    try train("guide", ["classifier", "--classes", "folders"], steps: steps)
  }

  private func sample(_ arguments: [String], to name: String) throws -> Command.Result {
    try Command.run("sample", arguments + ["--output", path(name)])
  }

  private func images(_ arguments: [String]) throws -> Tensor {
    let result = try sample(arguments, to: "o.safetensors")
    XCTAssertEqual(result.code, 0, result.errors)
    return try SafetensorsFile(folder.appending(path: "o.safetensors")).tensor("images")
  }

  /// By DDPM's means and by the score alike, pictures of noise become the class that is asked for, the more the stronger.
  func testPicturesAreLedToTheirClass() throws {
    try train("plain", [], steps: 200)
    try trainGuide(steps: 600)
    let guide = try ClassifierFolder(folder.appending(path: "guide"))
    let network = try guide.classifier()
    let star = try XCTUnwrap(guide.classes.firstIndex(of: "star"))
    for sampler in ["ddpm", "ddim", "euler-a"] {
      let base = [path("plain"), "--count", "16", "--steps", "20", "--sampler", sampler, "--threads", "1"]
      let led = base + ["--classifier", path("guide"), "--class", "star", "--classifier-scale"]
      let likelihoods = try ["0", "1", "3"].map { scale in
        let x = try images(led + [scale])
        let rows = network.probabilities(x, timesteps: Array(repeating: 0, count: 16))
        return rows.reduce(0) { $0 + log($1[star]) } / 16
      }
      XCTAssertLessThan(likelihoods[0], likelihoods[1], sampler)
      XCTAssertLessThan(likelihoods[1], likelihoods[2], sampler)
      // At strength 0 it is as if there were none.
      assertSameBits(try images(led + ["0"]), try images(base), sampler)
    }
  }

  func testAPictureDoesNotDependOnItsNeighboursAndItsRecipeMakesItAgain() throws {
    try train("plain", [])
    try trainGuide()
    let base = [
      path("plain"), "--steps", "4", "--classifier", path("guide"), "--class", "star", "--class", "ring",
    ]
    let all = try images(base + ["--count", "3"])
    let last = try images(base + ["--first-index", "2", "--batch-size", "1", "--threads", "1"])
    XCTAssertEqual(last.values, all.rows(2..<3).values)
    let torch = base + ["--count", "3", "--rng", "torch"]
    XCTAssertEqual(try images(torch).values, try images(torch + ["--batch-size", "2"]).values)

    XCTAssertEqual(try sample(base + ["--first-index", "1"], to: "ring.png").code, 0)
    let texts = try DecodedPicture(contentsOf: folder.appending(path: "ring.png")).texts
    let recipe = try XCTUnwrap(try Recipe.find(in: texts, file: "ring.png"))
    XCTAssertEqual(recipe.className, "ring")
    XCTAssertEqual(recipe.classifier, path("guide"))
    XCTAssertEqual(recipe.classifierScale, 1)
    XCTAssertEqual(
      Set(try XCTUnwrap(recipe.inputs).keys.map { URL(fileURLWithPath: $0).lastPathComponent }),
      ["config.json", "diffusion_pytorch_model.safetensors", "scheduler_config.json"])
    let replayed = try Command.run("replay", path("ring.png"))
    XCTAssertEqual(replayed.code, 0, replayed.errors + replayed.output)
    try Data(#"{"_class_name": "DDIMScheduler"}"#.utf8)
      .write(to: folder.appending(path: "guide/scheduler_config.json"))
    let changed = try Command.run("replay", path("ring.png"))
    XCTAssertTrue(changed.errors.contains("guide/scheduler_config.json has changed since"), changed.errors)
  }

  /// The same noise on the same way: what starts with a picture, and what is drawn by several samplers, is led as well.
  func testEveryCommandThatSamplesIsLed() throws {
    try train("plain", [])
    try trainGuide(steps: 20)
    let picture = Fixtures.url("edits/picture-8.png").path
    for (command, name) in [
      (["img2img", path("plain"), picture, "--strength", "0.5"], "i.png"),
      (["inpaint", path("plain"), picture, "--mask-box", "2,2,4,4"], "p.png"),
      (["compare", path("plain"), "--samplers", "ddim,euler"], "c.png"),
    ] {
      let base = Array(command.dropFirst()) + ["--steps", "3"]
      let led = base + ["--classifier", path("guide"), "--class", "star", "--classifier-scale", "8"]
      for (arguments, output) in [(base, "plain-\(name)"), (led, "led-\(name)")] {
        let result = try Command.run(command[0], arguments + ["--output", path(output)])
        XCTAssertEqual(result.code, 0, result.errors)
        let replayed = try Command.run("replay", path(output))
        XCTAssertEqual(replayed.code, 0, replayed.errors)
      }
      XCTAssertNotEqual(
        try DecodedPicture(contentsOf: folder.appending(path: "plain-\(name)")).picture.pixels,
        try DecodedPicture(contentsOf: folder.appending(path: "led-\(name)")).picture.pixels, name)
    }
  }

  func testAClassifierThatCannotGuideIsRefusedInOneSentence() throws {
    try train("plain", [])
    try trainGuide()
    try train("clean", ["classifier", "--classes", "folders", "--clean"])
    // A model that knows a class by another name.
    try FileManager.default.moveItem(atPath: path("shapes/star"), toPath: path("shapes/sun"))
    try train("suns", ["--classes", "folders"])
    for (arguments, words) in [
      ([path("plain"), "--classifier", path("clean")], "trained on pictures without noise"),
      ([model("ddpm"), "--classifier", path("guide")], "it was trained on another noise schedule"),
      ([model("ldm"), "--classifier", path("guide")], "the model denoises latents"),
      ([path("plain"), "--classifier", path("guide"), "--size", "16x16"], "are 8x8, not 16x16"),
      ([path("plain"), "--classifier", path("guide"), "--class", "stat"], "'star' is near"),
      ([path("suns"), "--classifier", path("guide"), "--class", "sun"], "knows no class 'sun'"),
      ([model("ddim"), "--classifier", model("ddim")], "holds no classifier"),
      ([model("ddim"), "--classifier-scale", "2"], "--classifier-scale goes with --classifier"),
      ([path("plain"), "--classifier", path("guide"), "--classifier-scale", "nan"], "--classifier-scale"),
    ] {
      let result = try sample(arguments, to: "x.png")
      XCTAssertNotEqual(result.code, 0, words)
      XCTAssertTrue(result.errors.contains(words), "\(words): \(result.errors)")
      XCTAssertEqual(result.errors.filter { $0 == "\n" }.count, 1, result.errors)
      XCTAssertFalse(FileManager.default.fileExists(atPath: path("x.png")))
    }
    // A class that both know leads, whatever its number.
    let both = try sample(
      [path("suns"), "--classifier", path("guide"), "--class", "ring", "--steps", "2"], to: "r.png")
    XCTAssertEqual(both.code, 0, both.errors)
  }
}
