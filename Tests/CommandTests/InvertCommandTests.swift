import Foundation
import NN
import Pictures
import TensorCore
import TestSupport
import XCTest

/// `darkroom invert`: the noise of a picture, from which `sample` makes it again.
final class InvertCommandTests: XCTestCase {
  private let model = Fixtures.url("pipelines/ddim").path

  private func picture(_ url: URL) throws -> Picture { try DecodedPicture(contentsOf: url).picture }

  func testThePictureComesBackByTheCommandThatIsNamed() throws {
    let folder = try temporaryFolder(for: self)
    for (name, model, options) in [
      ("pixels", model, []),
      ("latents", Fixtures.url("pipelines/dit").path, ["--class", "3"]),
      ("text", Fixtures.url("stable-diffusion/sd").path, ["--prompt", "a red star"]),
      (
        "guided", Fixtures.url("stable-diffusion/sd").path,
        [
          "--prompt", "a red star", "--negative-prompt", "a (circle)", "--negative-scale", "1.5",
          "--perpendicular-negative", "--guidance-scale", "2", "--guidance-rescale", "0.5",
          "--guidance-start",
          "0.1", "--guidance-end", "0.8", "--clip-skip", "1",
        ]
      ),
    ] {
      let (own, noise) = (
        folder.appending(path: "\(name).png"), folder.appending(path: "\(name).safetensors")
      )
      let plain = name == "text" ? options + ["--guidance-scale", "1"] : options
      let sampled = try Command.run(
        "sample", [model, "--sampler", "ddim", "--steps", "20", "--output", own.path] + plain)
      XCTAssertEqual(sampled.code, 0, sampled.errors)
      let inverted = try Command.run(
        "invert", [model, own.path, "--steps", "20", "--output", noise.path] + options)
      XCTAssertEqual(inverted.code, 0, inverted.errors)
      XCTAssert(inverted.output.contains("the picture comes back within"), inverted.output)

      // The command that is named, its output put where this test wants it.
      let line = try XCTUnwrap(
        inverted.errors.split(separator: "\n").last { $0.hasPrefix("darkroom sample") })
      let again = folder.appending(path: "\(name)-again.png")
      let command = line.replacingOccurrences(of: "again.png", with: again.path)
        .replacingOccurrences(of: "darkroom sample", with: "$darkroom sample")
      let result = try Command.shell(command)
      XCTAssertEqual(result.code, 0, result.errors)
      // A network of random weights is no denoiser, and hardly a picture of its comes back; how far off it is, is said.
      let difference = PictureDifference(try picture(own), try picture(again))
      XCTAssert(
        inverted.output.contains("the picture comes back within \(difference.most) of 255"),
        "\(name): \(difference.most); \(inverted.output)")
      let replayed = try Command.run("replay", again.path)
      XCTAssertEqual(replayed.code, 0, replayed.errors)
    }
  }

  func testWhatCannotBeIsNamed() throws {
    let folder = try temporaryFolder(for: self)
    let (own, noise) = (folder.appending(path: "own.png"), folder.appending(path: "n.safetensors"))
    try Picture(width: 8, height: 8, pixels: Array(repeating: 90, count: 192)).write(to: own, texts: [])
    for (words, code, sentence) in [
      (["--sampler", "heun"], 64, "cannot be taken back"),
      (["--eta", "0.5", "--sampler", "ddim"], 64, "cannot be taken back"),
      (["--class", "1"], 1, "knows no classes"),
    ] {
      let result = try Command.run("invert", [model, own.path, "--output", noise.path] + words)
      XCTAssertEqual(result.code, Int32(code), result.errors)
      XCTAssert(result.errors.contains(sentence), result.errors)
      XCTAssertFalse(FileManager.default.fileExists(atPath: noise.path))
    }
    try SafetensorsWriter.write([("latents", .zeros([1, 3, 4, 4]))], to: noise)
    let unfit = try Command.run(
      "sample", model, "--latents", noise.path, "--output", folder.appending(path: "a.png").path)
    XCTAssertEqual(unfit.code, 1)
    XCTAssert(unfit.errors.contains("holds noise of 1×3×4×4"), unfit.errors)
    // Noise that has changed since is told from what it was.
    try SafetensorsWriter.write([("latents", .full([1, 3, 8, 8], 0.5))], to: noise)
    let made = folder.appending(path: "made.png")
    XCTAssertEqual(
      try Command.run("sample", model, "--steps", "2", "--latents", noise.path, "--output", made.path).code, 0
    )
    XCTAssertEqual(try Command.run("replay", made.path).code, 0)
    try SafetensorsWriter.write([("latents", .full([1, 3, 8, 8], 0.25))], to: noise)
    let changed = try Command.run("replay", made.path)
    XCTAssertEqual(changed.code, 1)
    XCTAssert(changed.errors.contains("has changed since"), changed.errors)
  }
}
