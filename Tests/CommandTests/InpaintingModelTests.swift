import Foundation
import NN
import Pictures
import TensorCore
import TestSupport
import XCTest

/// Models whose network is shown the hole, and ControlNets that steer edits: what diffusers makes of the same picture, mask and
/// conditions. Fixtures by `make_inpainting.py`.
final class InpaintingModelTests: XCTestCase {
  private let base = Fixtures.url("stable-diffusion/sd")
  private let promptArguments = [
    "--prompt", "a red star on a blue background", "--negative-prompt", "dark red circle", "--guidance-scale",
    "5", "--schedule", Fixtures.url("stable-diffusion/schedulers/ddim.json").path,
  ]
  private let picture = Fixtures.url("edits/picture-16.png").path
  private let mask = ["--mask", Fixtures.url("edits/mask-16.png").path]

  private func file(_ name: String) -> String { Fixtures.url("controlled/\(name)").path }

  private func control(_ name: String) -> [String] {
    ["--controlnet", file(name), "--control-image", file("\(name).png")]
  }

  /// The base with a network of nine channels.
  private func nineChannels() throws -> URL {
    let model = try temporaryFolder(for: self).appending(path: "nine")
    try FileManager.default.copyItem(at: base, to: model)
    try FileManager.default.removeItem(at: model.appending(path: "unet"))
    try FileManager.default.copyItem(
      at: Fixtures.url("inpainting/unet"), to: model.appending(path: "unet"))
    return model
  }

  private func compare(
    _ key: String, _ command: String, _ model: URL, _ arguments: [String], line: UInt = #line
  )
    throws
  {
    let url = try temporaryFolder(for: self).appending(path: "o.safetensors")
    let result = try Command.run(
      command,
      [
        model.path, picture, "--rng", "torch", "--seed", "7", "--steps", "8", "--steps-mode", "diffusers",
        "--output", url.path,
      ] + promptArguments + arguments)
    XCTAssertEqual(result.code, 0, result.errors, line: line)
    // 1e-3 is the promise; 1e-4 is what f32 leaves of it.
    assertClose(
      try SafetensorsFile(url).tensor("images"),
      try Fixtures.tensors("inpainting/expected.safetensors").tensor(key), relative: 1e-4, key, line: line)
  }

  func testNineChannelsGiveDiffusersPictures() throws {
    let model = try nineChannels()
    try compare("nine", "inpaint", model, mask + ["--count", "2"])
    try compare("nine-strength", "inpaint", model, mask + ["--count", "2", "--strength", "0.6"])
    try compare(
      "nine-controlled", "inpaint", model, mask + control("first") + ["--control-scale", "0.5"])
  }

  func testSteeredEditsGiveDiffusersPictures() throws {
    let part = ["--strength", "0.75", "--control-start", "0.2", "--control-end", "0.6"]
    try compare("img2img", "img2img", base, control("first") + part)
    try compare(
      "inpaint", "inpaint", base,
      mask + control("first") + control("second") + part + [
        "--control-scale", "0.5", "--control-scale", "1.25",
      ])
  }

  /// The first step asks twice at the second timestep; the shares are of all that is asked.
  func testAPartOfPNDMsStepsGivesDiffusersPictures() throws {
    let url = try temporaryFolder(for: self).appending(path: "o.safetensors")
    let result = try Command.run(
      "sample",
      [base.path, "--rng", "torch", "--seed", "7", "--steps", "8", "--output", url.path]
        + promptArguments.prefix(6)
        + control("first") + ["--control-start", "0.2", "--control-end", "0.6"])
    XCTAssertEqual(result.code, 0, result.errors)
    assertClose(
      try SafetensorsFile(url).tensor("images"),
      try Fixtures.tensors("inpainting/expected.safetensors").tensor("pndm-part"), relative: 1e-4, "PNDM")
  }

  func testKnownPixelsStayAndThePictureIsReplayed() throws {
    let model = try nineChannels()
    let url = try temporaryFolder(for: self).appending(path: "o.png")
    let result = try Command.run(
      "inpaint",
      [model.path, picture, "--steps", "2", "--fill", "blur", "--count", "2", "--output", url.path] + mask
        + promptArguments)
    XCTAssertEqual(result.code, 0, result.errors)
    let second = url.deletingLastPathComponent().appending(path: "o-0001.png")
    let (before, after) = (
      try StoredPicture(contentsOf: URL(fileURLWithPath: picture)), try StoredPicture(contentsOf: second)
    )
    let hole = try Mask.read(contentsOf: Fixtures.url("edits/mask-16.png")).mask
    var changed = 0
    for y in 0..<16 {
      for x in 0..<16 {
        if hole[x, y] == 0 {
          XCTAssertEqual(after[x, y], before[x, y], "at \(x), \(y)")
        } else if after[x, y] != before[x, y] {
          changed += 1
        }
      }
    }
    XCTAssertGreaterThan(changed, 0)
    let replayed = try Command.run("replay", second.path)
    XCTAssertEqual(replayed.code, 0, replayed.errors)
  }

  func testOtherCommandsSayWhatTheModelIsFor() throws {
    let model = try nineChannels().path
    let output = try temporaryFolder(for: self).appending(path: "o.png").path
    for arguments in [
      ["sample", model], ["img2img", model, picture], ["compare", model],
      ["inpaint", model, picture, "--method", "repaint"] + mask,
    ] {
      let result = try Command.run(
        arguments[0], Array(arguments.dropFirst()) + promptArguments.prefix(2) + ["--output", output])
      XCTAssertEqual(result.code, 1, result.errors)
      let words = arguments[0] == "inpaint" ? "--method repaint does not go with" : "use 'darkroom inpaint'"
      XCTAssertTrue(result.errors.contains(words), result.errors)
      XCTAssertEqual(result.errors.filter { $0 == "\n" }.count, 1, result.errors)
    }
    let info = try Command.run("info", model)
    XCTAssertTrue(info.output.contains("darkroom inpaint"), info.output)
  }
}
