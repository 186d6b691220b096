import Foundation
import NN
import Pictures
import TensorCore
import TestSupport
import XCTest

/// A second pass on enlarged pictures, and the way of pictures from noise.
final class SecondPassTests: XCTestCase {
  private let model = Fixtures.url("pipelines/ddim").path
  private let latentModel = Fixtures.url("pipelines/dit").path

  private func run(_ words: String..., line: UInt = #line) throws {
    let result = try Command.run(words[0], Array(words.dropFirst()))
    XCTAssertEqual(result.code, 0, result.errors, line: line)
  }

  private func images(_ words: [String], in folder: URL) throws -> Tensor {
    let url = folder.appending(path: "x.safetensors")
    let result = try Command.run("sample", words + ["--output", url.path])
    XCTAssertEqual(result.code, 0, result.errors)
    return try SafetensorsFile(url).tensor("images")
  }

  func testPicturesAreEnlargedAndGoneThroughAgain() throws {
    let folder = try temporaryFolder(for: self)
    for (model, options, side) in [(model, [String](), 16), (latentModel, ["--class", "3"], 32)] {
      for mode in ["latent", "pixels"] {
        let base = [model, "--steps", "4", "--count", "2"] + options
        let upscale = ["--upscale", "2", "--upscale-strength", "0.5", "--upscale-mode", mode]
        let large = try images(base + upscale, in: folder)
        XCTAssertEqual(large.shape, [2, 3, side, side])
        // No picture depends on those beside it, and a strength of the whole schedule leaves nothing of the first pass.
        XCTAssertEqual(try images(base + upscale + ["--batch-size", "1"], in: folder).values, large.values)
        let little = try images(
          base + upscale.dropLast(4) + ["--upscale-strength", "0.1", "--upscale-mode", mode], in: folder)
        XCTAssertNotEqual(little.values, large.values)
      }
    }
    let url = folder.appending(path: "large.png")
    try run(
      "sample", model, "--steps", "4", "--count", "3", "--separate", "--upscale", "1.5", "--sampler",
      "euler-a", "--output",
      url.path)
    let second = folder.appending(path: "large-0001.png")
    let recipe = try XCTUnwrap(Recipe.find(in: DecodedPicture(contentsOf: second).texts, file: "large"))
    XCTAssertEqual([recipe.width, recipe.height, recipe.steps], [12, 12, 4])
    XCTAssertEqual(recipe.upscale, 1.5)
    XCTAssertEqual(recipe.upscaleMode, "latent")
    try run("replay", second.path)
    let refused = try Command.run("sample", model, "--upscale-strength", "0.7", "--output", url.path)
    XCTAssertEqual(refused.code, 64)
    XCTAssert(refused.errors.contains("go with --upscale"), refused.errors)
  }

  /// A little of the schedule after enlarging by pixels keeps the picture; all of it makes another.
  func testTheSecondPassKeepsWhatItsStrengthLeaves() throws {
    let folder = try temporaryFolder(for: self)
    let first = try images([model, "--steps", "8"], in: folder)
    func far(_ strength: String) throws -> Float {
      let large = try images(
        [
          model, "--steps", "8", "--upscale", "2", "--upscale-mode", "latent", "--upscale-steps", "2",
          "--upscale-strength", strength,
        ],
        in: folder)
      return zip(large.averagePooled().values, first.values).reduce(0) { $0 + abs($1.0 - $1.1) }
    }
    XCTAssertLessThan(try far("0.02"), 0.75 * (try far("1")))
  }

  /// Both passes are steered, the second by the control picture enlarged, and the recipe makes the same again.
  func testBothPassesAreSteered() throws {
    let folder = try temporaryFolder(for: self)
    let model = Fixtures.url("stable-diffusion/sd").path
    let promptArguments = [
      model, "--prompt", "a red star", "--steps", "4", "--upscale", "2", "--upscale-mode", "pixels",
    ]
    func steered(_ more: [String]) throws -> [Float] {
      try images(
        promptArguments + ["--controlnet", Fixtures.url("controlled/first").path, "--control-image"] + more,
        in: folder
      ).values
    }
    let file = Fixtures.url("controlled/first.png").path
    let plain = try images(promptArguments, in: folder).values
    XCTAssertNotEqual(try steered([file]), plain)
    XCTAssertEqual(try steered([file, "--control-scale", "0"]), plain)
    // All of the schedule again leaves nothing of the first pass: it is the second that is steered.
    let whole = ["--upscale-strength", "1"]
    XCTAssertNotEqual(
      try steered([file] + whole), try steered([file] + whole + ["--control-scale", "0"]))
    let url = folder.appending(path: "steered.png")
    try run(
      "sample", model, "--prompt", "a red star", "--steps", "4", "--upscale", "2", "--controlnet",
      Fixtures.url("controlled/first").path, "--control-image", file, "--output", url.path)
    try run("replay", url.path)
  }

  func testTheWayIsShownStepByStep() throws {
    let folder = try temporaryFolder(for: self)
    let (last, way) = (folder.appending(path: "last.png"), folder.appending(path: "way.png"))
    for show in ["denoised", "noisy"] {
      try run(
        "sample", model, "--steps", "5", "--count", "2", "--columns", "1", "--save-steps", way.path,
        "--steps-show", show,
        "--output", last.path)
      let (strip, pictures) = (
        try DecodedPicture(contentsOf: way).picture, try DecodedPicture(contentsOf: last).picture
      )
      // Two pictures of 8×8 in five steps, two pixels around each.
      XCTAssertEqual([strip.width, strip.height], [52, 22])
      XCTAssertEqual(strip.cropped(x: 40, y: 0, width: 12, height: 22), pictures, "the last column, \(show)")
      XCTAssertNotEqual(
        strip.cropped(x: 0, y: 0, width: 12, height: 22), strip.cropped(x: 10, y: 0, width: 12, height: 22))
      for picture in [way, last] { try run("replay", picture.path) }
      XCTAssertEqual(
        try DecodedPicture(contentsOf: way).picture, strip, "a replay of the pictures leaves the way alone")
    }
    try run(
      "sample", latentModel, "--class", "2", "--steps", "5", "--save-steps", way.path, "--steps-animate",
      "--steps-every", "2", "--output", last.path)
    XCTAssertEqual(
      try DecodedPicture(contentsOf: way).picture.width, try DecodedPicture(contentsOf: last).picture.width)
    // The third and the fifth of five, and the first.
    XCTAssertNotNil(try Data(contentsOf: way).range(of: Data("acTL".utf8) + Data([0, 0, 0, 3])))
    try run("replay", way.path)
    let source = folder.appending(path: "source.png")
    try Picture(width: 8, height: 8, pixels: Array(repeating: 90, count: 192)).write(to: source, texts: [])
    try run(
      "img2img", model, source.path, "--steps", "3", "--save-steps", way.path, "--output", last.path)
    XCTAssertEqual(try DecodedPicture(contentsOf: way).picture.width, 32)
    try run("replay", way.path)
  }
}
