import Foundation
import NN
import TensorCore
import TestSupport
import XCTest

/// `darkroom info` of everything that lies about in a run's folder.
final class InfoCommandTests: XCTestCase {
  private func info(_ path: String) throws -> String {
    let result = try Command.run("info", path)
    XCTAssertEqual(result.code, 0, result.errors)
    XCTAssertFalse(result.errors.contains("delete"), result.errors)
    return result.output
  }

  func testModelsAndTheirParts() throws {
    let model = try info(Fixtures.url("pipelines/ldm").path)
    for text in ["model         UNet2DModel, ", "latents       AutoencoderKL, ", "scheduler     "] {
      XCTAssertTrue(model.contains(text), model)
    }
    let vae = try info(Fixtures.url("vae/quant").path)
    XCTAssertTrue(vae.contains("autoencoder   AutoencoderKL, "), vae)
    XCTAssertTrue(vae.contains("darkroom vae check"), vae)
    let control = try info(Fixtures.url("controlled/first").path)
    for text in ["ControlNet    ControlNetModel, ", "pictures of 3 channels, 2 times larger", "--controlnet"]
    {
      XCTAssertTrue(control.contains(text), control)
    }
    let file = try info(Fixtures.url("pipelines/ddim/unet/diffusion_pytorch_model.safetensors").path)
    XCTAssertTrue(file.contains("tensors       safetensors, "), file)
    XCTAssertTrue(file.contains("conv_in.weight"), file)
  }

  func testPlots() throws {
    let plot = try temporaryFolder(for: self).appending(path: "p.svg")
    XCTAssertEqual(try Command.run("schedule", ["plot", "ddim-linear", "--output", plot.path]).code, 0)
    XCTAssertTrue(try info(plot.path).contains("plot          an SVG 'Signal left'"))
  }

  func testLongLinesAreFolded() throws {
    let folder = try temporaryFolder(for: self)
    let picture = folder.appending(path: String(repeating: "long-", count: 30) + ".png")
    let made = try Command.run(
      "sample", [Fixtures.url("pipelines/ddim").path, "--steps", "1", "--output", picture.path])
    XCTAssertEqual(made.code, 0, made.errors)
    let text = try info(picture.path)
    let command = text.split(separator: "\n").drop { !$0.hasPrefix("command") }
    XCTAssertGreaterThan(command.count, 1, text)
    XCTAssertTrue(command.dropFirst().allSatisfy { $0.hasPrefix(String(repeating: " ", count: 14)) }, text)
  }

  /// A model of gigabytes is described from its headers: weights that are holes of a sparse file are not read.
  func testWeightsAreNotRead() throws {
    let folder = try temporaryFolder(for: self)
    let copy = folder.appending(path: "m")
    try FileManager.default.copyItem(at: Fixtures.url("pipelines/ddim"), to: copy)
    let weights = copy.appending(path: "unet/diffusion_pytorch_model.safetensors")
    // Values that loading would refuse.
    let file = try SafetensorsFile(weights)
    let tensors = try file.entries.keys.sorted().map { key in
      let shape = try file.tensor(key).shape
      return (key, Tensor.full(shape, .nan))
    }
    try SafetensorsWriter.write(tensors, to: weights)
    XCTAssertTrue(try info(copy.path).contains("UNet2DModel"))
  }

  func testASchedulerThatIsNotKnownIsSaid() throws {
    let copy = try temporaryFolder(for: self).appending(path: "m")
    try FileManager.default.copyItem(at: Fixtures.url("pipelines/ddim"), to: copy)
    let url = copy.appending(path: "scheduler/scheduler_config.json")
    let text = try String(contentsOf: url, encoding: .utf8).replacing(
      "DDIMScheduler", with: "SASolverScheduler")
    try text.write(to: url, atomically: true, encoding: .utf8)
    XCTAssertTrue(try info(copy.path).contains("SASolverScheduler"))
  }

  /// No advice to throw away what is no picture.
  func testWhatIsNotDescribedIsSaid() throws {
    let folder = try temporaryFolder(for: self)
    for (name, words) in [
      ("notes.md", "notes.md is nothing that is described here"), ("program", "is nothing that is described"),
      ("damaged.png", "damaged.png holds text, not a picture; fetch the picture again"),
    ] {
      let url = folder.appending(path: name)
      try Data(name == "program" ? [0x7F, 0x45, 0, 0] : Array("some words".utf8)).write(to: url)
      let result = try Command.run("info", url.path)
      XCTAssertEqual(result.code, 1)
      XCTAssertTrue(result.errors.contains(words), result.errors)
      XCTAssertFalse(result.errors.contains("delete"), result.errors)
    }
  }
}
