import Foundation
import Pictures
import TestSupport
import XCTest

/// Pictures are made again from their recipes: identical, or with what differs named.
final class ReplayCommandTests: XCTestCase {
  private let model = Fixtures.url("pipelines/ddim").path
  private let classModel = Fixtures.url("pipelines/dit").path

  func testPicturesOfEveryKindAreIdenticalWhenMadeAgain() throws {
    let folder = try temporaryFolder(for: self)
    let commands = [
      ["sample", model, "--steps", "3", "--seed", "random", "--output", "one.png"],
      ["sample", model, "--steps", "3", "--count", "5", "--columns", "3", "--output", "grid.png"],
      ["sample", model, "--steps", "3", "--output", "one.jpg"],
      [
        "sample", classModel, "--steps", "3", "--count", "4", "--separate", "--first-index", "2",
        "--guidance-scale",
        "2", "--output", "many.png",
      ],
      [
        "sample", model, "--steps", "3", "--count", "3", "--separate", "--rng", "torch", "--output",
        "torch.png",
      ],
      ["compare", model, "--samplers", "ddim,euler", "--steps", "2,3", "--output", "compare.png"],
    ]
    for command in commands {
      var words = command
      words[words.count - 1] = folder.appending(path: words[words.count - 1]).path
      let result = try Command.run(words[0], Array(words.dropFirst()))
      XCTAssertEqual(result.code, 0, result.errors)
    }
    let pictures = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    XCTAssertEqual(pictures.count, 11, "\(pictures)")
    for name in pictures {
      let result = try Command.run("replay", folder.appending(path: name).path)
      XCTAssertEqual(result.code, 0, "\(name): \(result.errors)")
      XCTAssert(result.output.hasSuffix("\(name): identical\n"), result.output)
    }
  }

  func testAChangedPictureIsToldFromItsRecipe() throws {
    let folder = try temporaryFolder(for: self)
    let url = folder.appending(path: "a.png")
    XCTAssertEqual(try Command.run("sample", model, "--steps", "2", "--output", url.path).code, 0)
    let decoded = try DecodedPicture(contentsOf: url)
    var pixels = decoded.picture.pixels
    pixels[7] ^= 3
    try Picture(width: decoded.picture.width, height: decoded.picture.height, pixels: pixels).write(
      to: url, texts: decoded.texts)
    let again = folder.appending(path: "again.png")
    let result = try Command.run("replay", url.path, "--output", again.path)
    XCTAssertEqual(result.code, 1)
    XCTAssert(result.errors.contains("differs from what its recipe makes"), result.errors)
    XCTAssert(result.errors.contains("in 1 pixel of"), result.errors)
    let remaining = try DecodedPicture(contentsOf: again)
    XCTAssertEqual(remaining.picture.pixels, decoded.picture.pixels)
    XCTAssertEqual(remaining.texts, decoded.texts, "the picture made again carries the same recipe")
  }

  func testAModelThatIsGoneOrChangedIsNamed() throws {
    let folder = try temporaryFolder(for: self)
    let copy = folder.appending(path: "model")
    try FileManager.default.copyItem(at: Fixtures.url("pipelines/ddim"), to: copy)
    let url = folder.appending(path: "a.png")
    XCTAssertEqual(try Command.run("sample", copy.path, "--steps", "2", "--output", url.path).code, 0)

    let weights = copy.appending(path: "unet/diffusion_pytorch_model.safetensors")
    var bytes = try Data(contentsOf: weights)
    bytes[bytes.count - 3] ^= 1
    try bytes.write(to: weights)
    let changed = try Command.run("replay", url.path)
    XCTAssertEqual(changed.code, 1)
    XCTAssert(changed.errors.contains("the unet of \(copy.path) has changed since"), changed.errors)

    try FileManager.default.removeItem(at: copy)
    let gone = try Command.run("replay", url.path)
    XCTAssertEqual(gone.code, 1)
    XCTAssert(gone.errors.contains("which is not there; --model names where it is now"), gone.errors)
    XCTAssertEqual(try Command.run("replay", url.path, "--model", model).code, 0)
  }

  func testOtherProgramsParametersBecomeACommand() throws {
    let folder = try temporaryFolder(for: self)
    let url = folder.appending(path: "web.png")
    let text = """
      a lighthouse, (oil:1.2)
      Negative prompt: blurry
      Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 42, Size: 512x512, Model: other
      """
    try Picture(width: 2, height: 2, pixels: Array(repeating: 9, count: 12))
      .write(to: url, texts: [TextChunk(keyword: "parameters", text: text)])
    let result = try Command.run("replay", url.path)
    XCTAssertEqual(result.code, 0, result.errors)
    XCTAssertEqual(
      result.output,
      "darkroom sample '<model>' --prompt 'a lighthouse, (oil:1.2)' --negative-prompt blurry --sampler "
        + "'DPM++ 2M Karras' --steps 20 --guidance-scale 7 --seed 42 --size 512x512 --output out.png\n")
  }

  func testAPictureWithoutARecipeIsNamed() throws {
    let url = try temporaryFolder(for: self).appending(path: "plain.png")
    try Picture(width: 2, height: 2, pixels: Array(repeating: 9, count: 12)).write(to: url, texts: [])
    let result = try Command.run("replay", url.path)
    XCTAssertEqual(result.code, 1)
    XCTAssert(result.errors.contains("carries no recipe"), result.errors)
  }
}
