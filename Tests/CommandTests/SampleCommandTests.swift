import Foundation
import NN
import Pictures
import TensorCore
import TestSupport
import XCTest

/// `darkroom sample` from the command line: diffusers' pictures, and the bit contract.
final class SampleCommandTests: XCTestCase {
  private func model(_ name: String) -> String { Fixtures.url("pipelines/\(name)").path }

  private func sample(_ arguments: [String], to name: String = "o.safetensors") throws -> URL {
    let url = try temporaryFolder(for: self).appending(path: name)
    let process = try Command.start(["sample"] + arguments + ["--output", url.path])
    process.waitUntilExit()
    XCTAssertEqual(process.terminationStatus, 0, arguments.joined(separator: " "))
    return url
  }

  /// Against `DDPMPipeline` and `DDIMPipeline` with `torch.Generator("cpu").manual_seed(7)`; fixtures by
  /// `make_pipelines.py`. 1e-3 is the promise; 1e-5 is what f32 leaves of it.
  func testTorchSeedsGiveDiffusersPictures() throws {
    let classes = ["--class", "3", "--class", "207"]
    for (name, count, steps, more, key) in [
      ("ddpm", 2, 10, [], "batch2-steps10"), ("ddpm", 1, 25, [], "batch1-steps25"),
      ("ddim", 2, 10, [], "batch2-steps10"), ("ddim", 3, 10, ["--eta", "0.5"], "batch3-steps10-eta0.5"),
      ("ddim-v-zero-snr", 2, 12, [], "batch2-steps12"), ("euler-a", 2, 10, [], "batch2-steps10"),
      ("ldm", 2, 10, [], "batch2-steps10"), ("dit", 2, 10, classes, "batch2-steps10"),
      ("dit", 2, 10, classes + ["--guidance-scale", "4"], "batch2-steps10-guidance4"),
    ] {
      let url = try sample(
        [model(name), "--rng", "torch", "--seed", "7", "--count", "\(count)", "--steps", "\(steps)"] + more)
      let images = try SafetensorsFile(url).tensor("images")
      let expected = try Fixtures.tensors("pipelines/\(name)/expected.safetensors").tensor(key)
      assertClose(images, expected, relative: 1e-5, "\(name), \(key)")
    }
  }

  func testSameBytesForAnyBatchThreadsAndRun() throws {
    let base = [model("ddim"), "--count", "5", "--steps", "6", "--eta", "1", "--seed", "3"]
    let whole = try Data(contentsOf: sample(base + ["--batch-size", "8", "--threads", "2"]))
    for change in [["--batch-size", "1"], ["--batch-size", "3", "--threads", "1"], ["--batch-size", "8"]] {
      XCTAssertEqual(try Data(contentsOf: sample(base + change)), whole, "\(change)")
    }
  }

  /// Picture number 4 alone is picture number 4 among others.
  func testAPictureDoesNotDependOnItsNeighbours() throws {
    let options = [model("ddpm"), "--steps", "5", "--seed", "9"]
    let all = try SafetensorsFile(sample(options + ["--count", "6"])).tensor("images")
    let one = try SafetensorsFile(sample(options + ["--count", "1", "--first-index", "4"])).tensor("images")
    XCTAssertEqual(one.values, all.rows(4..<5).values)
  }

  func testPNGCarriesItsRecipe() throws {
    let url = try sample(
      [model("ddim"), "--count", "4", "--steps", "2", "--seed", "21", "--columns", "2"], to: "o.png")
    let decoded = try DecodedPicture(contentsOf: url)
    XCTAssertEqual([decoded.picture.width, decoded.picture.height], [22, 22])
    let recipe = try XCTUnwrap(Recipe.find(in: decoded.texts, file: "o.png"))
    XCTAssertEqual([recipe.seed, UInt64(recipe.steps)], [21, 2])
    XCTAssertEqual(recipe.sampler, "ddim")
    XCTAssertEqual(recipe.modelHash?.count, 64)
    let parameters = try XCTUnwrap(decoded.texts.first { $0.keyword == "parameters" }).text
    XCTAssertTrue(parameters.contains("Steps: 2, Sampler: ddim"), parameters)
    let info = try Command.run("info", url.path)
    XCTAssertTrue(info.output.contains("seed          21, picture 0, philox"), info.output)
  }

  func testSeparateFilesAndJPEG() throws {
    let url = try sample([model("ddim"), "--count", "2", "--steps", "1", "--separate"], to: "o.jpg")
    for number in ["0000", "0001"] {
      let file = url.deletingLastPathComponent().appending(path: "o-\(number).jpg")
      XCTAssertEqual(try DecodedPicture(contentsOf: file).format, .jpeg)
    }
  }

  func testWhatCannotBeIsRefusedInOneSentence() throws {
    let ddim = model("ddim")
    let folder = try temporaryFolder(for: self)
    let out = folder.appending(path: "o.png").path
    for (arguments, expected) in [
      (["/nowhere", "--output", out], "does not exist"),
      ([folder.path, "--output", out], "has no model_index.json"),
      ([ddim, "--output", folder.appending(path: "o.gif").path], "must end in .png"),
      ([ddim, "--output", folder.appending(path: "a/b.png").path], "its folder does not exist"),
      ([ddim, "--output", folder.path + ".png/x.png"], "its folder does not exist"),
      ([ddim, "--output", out, "--class", "cat"], "knows no classes"),
      ([ddim, "--output", out, "--guidance-scale", "3"], "knows no classes"),
      ([ddim, "--output", out, "--steps", "0"], "--steps must be at least 1"),
      ([ddim, "--output", out, "--steps", "10000"], "cannot take 10000 steps"),
      (
        [ddim, "--output", out, "--sampler", "flow-euler"],
        "which FlowMatchEulerDiscreteScheduler does not know"
      ),
      ([ddim, "--output", out, "--sampler", "edm"], "EDM's preconditioning"),
      (
        [ddim, "--output", out, "--sampler", "dpmpp-2m-karras", "--timesteps", "900,400"], "only one can hold"
      ),
      ([ddim, "--output", out, "--sampler", "euler", "--timesteps", "400,900"], "do not descend"),
      (
        [
          Fixtures.url("pipelines/ddim-v-zero-snr").path, "--output", out, "--sampler", "euler",
          "--timesteps", "900,4",
        ],
        "beside timestep_spacing 'trailing'"
      ),
      ([ddim, "--output", out, "--sampler", "unipc", "--sigmas", "9,1"], "no list of sigmas"),
      ([ddim, "--output", out, "--sampler", "lcm", "--steps", "60"], "original_inference_steps, 50"),
      ([ddim, "--output", out, "--size", "9x9"], "multiples of 2"),
      ([ddim, "--output", out, "--sampler", "ddpm", "--eta", "1"], "samplers ddim and tcd"),
      ([ddim, "--output", out, "--schedule", "nonsense"], "neither a file nor a name"),
    ] {
      let result = try Command.run("sample", arguments)
      XCTAssertNotEqual(result.code, 0, "\(arguments)")
      XCTAssertTrue(result.errors.contains(expected), "\(arguments): \(result.errors)")
      XCTAssertEqual(result.errors.split(separator: "\n").count, 1, result.errors)
    }
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), [])
  }

  func testDamagedModelsAreNamed() throws {
    let folder = try temporaryFolder(for: self)
    let copy = folder.appending(path: "m")
    let weights = copy.appending(path: "unet/diffusion_pytorch_model.safetensors")
    let config = copy.appending(path: "unet/config.json")
    func damaged(_ change: () throws -> Void) throws -> String {
      try? FileManager.default.removeItem(at: copy)
      try FileManager.default.copyItem(at: Fixtures.url("pipelines/ddim"), to: copy)
      try change()
      let result = try Command.run(
        "sample", copy.path, "--steps", "1", "--output", folder.appending(path: "o.png").path)
      XCTAssertEqual(result.code, 1)
      XCTAssertEqual(result.errors.split(separator: "\n").count, 1, result.errors)
      return result.errors
    }
    let whole = try Data(contentsOf: Fixtures.url("pipelines/ddim/unet/diffusion_pytorch_model.safetensors"))
    let text = try String(contentsOf: Fixtures.url("pipelines/ddim/unet/config.json"), encoding: .utf8)
    XCTAssertTrue(try damaged { try whole.dropLast(100).write(to: weights) }.contains("truncated"))
    XCTAssertTrue(try damaged { try Data().write(to: weights) }.contains("has 0 bytes"))
    XCTAssertTrue(
      try damaged { try (Data([0, 0, 0, 0, 1, 0, 0, 0]) + whole).write(to: weights) }.contains(
        "its header claims"))
    XCTAssertTrue(
      try damaged { try FileManager.default.removeItem(at: weights) }.contains("holds no weights"))
    XCTAssertTrue(
      try damaged {
        try text.replacingOccurrences(of: "AttnDownBlock2D", with: "FooBlock").write(
          to: config, atomically: true, encoding: .utf8)
      }.contains("one of DownBlock2D, AttnDownBlock2D"))
    XCTAssertTrue(
      try damaged {
        try text.replacingOccurrences(of: "\"layers_per_block\": 1", with: "\"layers_per_block\": 2")
          .write(to: config, atomically: true, encoding: .utf8)
      }.contains("lacks 'down_blocks"))
    XCTAssertTrue(
      try damaged {
        try text.replacingOccurrences(of: "\"time_embedding_dim\": 16", with: "\"time_embedding_dim\": 24")
          .write(to: config, atomically: true, encoding: .utf8)
      }.contains("where the model has"))
    XCTAssertTrue(
      try damaged {
        let learned = "\"time_embedding_type\": \"learned\", \"num_train_timesteps\": 50"
        try text.replacingOccurrences(of: "\"num_train_timesteps\": null,", with: "")
          .replacingOccurrences(of: "\"time_embedding_type\": \"positional\"", with: learned)
          .write(to: config, atomically: true, encoding: .utf8)
      }.contains("its network knows 50 timesteps"))
  }
}
