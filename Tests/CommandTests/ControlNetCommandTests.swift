import Foundation
import NN
import Pictures
import TensorCore
import TestSupport
import XCTest

/// `darkroom sample --controlnet`: what diffusers makes of the same ControlNets and pictures, and what is refused. Fixtures by
/// `make_controlled.py`.
final class ControlNetCommandTests: XCTestCase {
  private let model = Fixtures.url("stable-diffusion/sd")
  private let ddim = ["--schedule", Fixtures.url("stable-diffusion/schedulers/ddim.json").path]
  private let guided = ["--guidance-scale", "5"]
  private let promptArguments = [
    "--prompt", "a red star on a blue background", "--negative-prompt", "dark red circle",
  ]

  private func file(_ name: String) -> String { Fixtures.url("controlled/\(name)").path }

  private func control(_ name: String) -> [String] {
    ["--controlnet", file(name), "--control-image", file("\(name).png")]
  }

  private func sample(_ arguments: [String], to url: URL) throws -> Command.Result {
    try Command.run(
      "sample",
      [model.path, "--rng", "torch", "--seed", "7", "--steps", "8", "--output", url.path] + promptArguments
        + arguments)
  }

  private func compare(_ key: String, _ arguments: [String], line: UInt = #line) throws {
    let url = try temporaryFolder(for: self).appending(path: "o.safetensors")
    let result = try sample(arguments, to: url)
    XCTAssertEqual(result.code, 0, result.errors, line: line)
    // 1e-3 is the promise; 1e-4 is what f32 leaves of it.
    assertClose(
      try SafetensorsFile(url).tensor("images"),
      try Fixtures.tensors("controlled/expected.safetensors").tensor(key), relative: 1e-4, key, line: line)
  }

  func testOneGivesDiffusersPictures() throws {
    try compare("one", control("first") + guided + ["--count", "2"])
    try compare("one-ddim", control("first") + guided + ddim + ["--control-scale", "0.6"])
    try compare("unguided", control("first") + ddim + ["--guidance-scale", "1"])
  }

  func testGuessModeGivesDiffusersPictures() throws {
    try compare("guess", control("first") + guided + ddim + ["--guess-mode"])
  }

  func testAPartOfTheStepsGivesDiffusersPictures() throws {
    try compare(
      "part", control("first") + guided + ddim + ["--control-start", "0.2", "--control-end", "0.6"])
  }

  func testTwoGiveDiffusersPictures() throws {
    try compare(
      "two",
      control("first") + control("second") + guided + ddim + [
        "--control-scale", "0.5", "--control-scale", "1.25", "--control-start", "0", "--control-start",
        "0.25", "--control-end", "0.5", "--control-end", "1",
      ])
  }

  func testAScaleOf0IsTheBaseAndNoBatchSizeChangesAPicture() throws {
    let folder = try temporaryFolder(for: self)
    func images(_ name: String, _ arguments: [String]) throws -> Tensor {
      let url = folder.appending(path: "\(name).safetensors")
      let result = try sample(arguments + ["--rng", "philox", "--steps", "2", "--count", "3"], to: url)
      XCTAssertEqual(result.code, 0, result.errors)
      return try SafetensorsFile(url).tensor("images")
    }
    let steered = try images("steered", control("first"))
    assertSameBits(try images("alone", control("first") + ["--batch-size", "1"]), steered)
    let base = try images("base", [])
    assertSameBits(try images("none", control("first") + ["--control-scale", "0"]), base)
    XCTAssertNotEqual(steered.values, base.values)
  }

  func testARecipeHoldsWhatSteeredAndIsReplayed() throws {
    let folder = try temporaryFolder(for: self)
    let (url, copy) = (folder.appending(path: "o.png"), folder.appending(path: "edges.png"))
    try FileManager.default.copyItem(at: Fixtures.url("controlled/first.png"), to: copy)
    let steered = ["--controlnet", file("first"), "--control-image", copy.path]
    XCTAssertEqual(try sample(steered, to: url).code, 0)
    let recipe = try XCTUnwrap(Recipe.find(in: DecodedPicture(contentsOf: url).texts, file: "o.png"))
    XCTAssertEqual(
      Set(try XCTUnwrap(recipe.inputs).keys),
      [
        copy.path, file("first") + "/diffusion_pytorch_model.safetensors", file("first") + "/config.json",
      ])
    let replayed = try Command.run("replay", url.path)
    XCTAssert(replayed.output.hasSuffix("identical\n"), replayed.output + replayed.errors)
    try Data(contentsOf: Fixtures.url("controlled/second.png")).write(to: copy)
    let changed = try Command.run("replay", url.path)
    XCTAssertEqual(changed.code, 1)
    XCTAssert(changed.errors.contains("the \(copy.path) has changed since"), changed.errors)
  }

  // MARK: - What is refused

  private func refuse(
    _ part: String, _ arguments: [String], code: Int32 = 1, of model: String? = nil, line: UInt = #line
  ) throws {
    let out = try temporaryFolder(for: self).appending(path: "o.png")
    let result =
      try model.map { try Command.run("sample", [$0, "--output", out.path] + arguments) }
      ?? sample(arguments, to: out)
    XCTAssertEqual(result.code, code, result.errors, line: line)
    XCTAssert(result.errors.contains(part), result.errors, line: line)
    XCTAssertFalse(FileManager.default.fileExists(atPath: out.path), line: line)
  }

  func testWhatDoesNotGoTogetherIsRefused() throws {
    try refuse(
      "is 16x16, and must be 32x16 for pictures of 32x16; resize it",
      control("first") + ["--size", "32x16"])
    try refuse(
      "is a ControlNet for another base than \(model.path), in which these differ: ",
      ["--controlnet", Fixtures.url("controlnet/sd-1").path, "--control-image", file("first.png")])
    try refuse(
      "in which these differ: conv_in.weight", control("first"), of: Fixtures.url("pipelines/ddim").path)
    try refuse(
      "holds no ControlNet: it has no config.json of one",
      ["--controlnet", model.path, "--control-image", file("first.png")])
    try refuse(
      "which is no ControlNet known here",
      ["--controlnet", model.appending(path: "unet").path, "--control-image", file("first.png")])
  }

  func testACommandLineThatCannotBeIsRefused() throws {
    try refuse(
      "--controlnet \(file("second")) has no --control-image",
      control("first") + ["--controlnet", file("second")], code: 64)
    try refuse(
      "has no --controlnet; give one for each", ["--control-image", file("first.png")], code: 64)
    try refuse("--control-scale goes with --controlnet", ["--control-scale", "1"], code: 64)
    try refuse("--guess-mode goes with --controlnet", ["--guess-mode"], code: 64)
    try refuse(
      "--guess-mode and --negative-scale exclude each other",
      control("first") + ["--guess-mode", "--negative-scale", "1", "--negative-class", "0"], code: 64)
    try refuse(
      "--control-scale is given 2 times for 1 ControlNets",
      control("first") + ["--control-scale", "1", "--control-scale", "2"], code: 64)
    try refuse(
      "--control-start 0.7 and --control-end 0.2 must lie within 0 and 1",
      control("first") + ["--control-start", "0.7", "--control-end", "0.2"], code: 64)
  }
}
