import Foundation
import NN
import Pictures
import TensorCore
import TestSupport
import XCTest

/// Noise that is given or varied, pictures near others, and the frames between them.
final class VariationCommandTests: XCTestCase {
  private let model = Fixtures.url("pipelines/ddim").path
  private let classModel = Fixtures.url("pipelines/dit").path
  private let textModel = Fixtures.url("stable-diffusion/sd").path

  @discardableResult
  private func run(_ words: String..., line: UInt = #line) throws -> Command.Result {
    let result = try Command.run(words[0], Array(words.dropFirst()))
    XCTAssertEqual(result.code, 0, result.errors, line: line)
    return result
  }

  private func picture(_ url: URL) throws -> Picture { try DecodedPicture(contentsOf: url).picture }
  private func images(_ url: URL) throws -> Tensor { try SafetensorsFile(url).tensor("images") }

  func testVariationsBeginAtThePictureAndEndInTheOtherSeed() throws {
    let folder = try temporaryFolder(for: self)
    func sample(_ name: String, _ options: [String]) throws -> [Float] {
      let url = folder.appending(path: name + ".safetensors")
      let result = try Command.run("sample", [model, "--steps", "4", "--output", url.path] + options)
      XCTAssertEqual(result.code, 0, result.errors)
      return try images(url).values
    }
    func varied(_ strength: String) throws -> [Float] {
      try sample("v\(strength)", ["--seed", "3", "--variation-seed", "8", "--variation-strength", strength])
    }
    let (own, other) = (try sample("own", ["--seed", "3"]), try sample("other", ["--seed", "8"]))
    XCTAssertEqual(try varied("0"), own)
    XCTAssertEqual(try varied("1"), other)
    func far(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).reduce(0) { $0 + abs($1.0 - $1.1) } }
    let near = try varied("0.1")
    XCTAssertGreaterThan(far(near, own), 0)
    XCTAssertLessThan(far(near, own), far(near, other))
  }

  func testVariationsOfAPictureAreReadFromItsRecipe() throws {
    let folder = try temporaryFolder(for: self)
    let star = folder.appending(path: "star.png")
    try run(
      "sample", classModel, "--class", "2", "--class", "5", "--seed", "11", "--first-index", "1", "--steps",
      "3", "-o",
      star.path)
    let near = folder.appending(path: "near.png")
    try run("variations", star.path, "--count", "3", "--separate", "--output", near.path)
    for k in 0..<3 {
      let own = folder.appending(path: "own\(k).png")
      try run(
        "sample", classModel, "--class", "5", "--seed", "11", "--first-index", "1", "--steps", "3",
        "--variation-seed", "\(12 + k)", "--variation-strength", "0.3", "--output", own.path)
      let url = folder.appending(path: "near-000\(k).png")
      XCTAssertEqual(try picture(url), try picture(own), "variation \(k)")
      let recipe = try XCTUnwrap(Recipe.find(in: DecodedPicture(contentsOf: url).texts, file: "near"))
      XCTAssertEqual(recipe.variationSeed, UInt64(12 + k))
      XCTAssertEqual(recipe.className ?? "\(recipe.classLabel ?? -1)", "5")
      try run("replay", url.path)
    }
    // A grid is this command's own, and one picture is none.
    try run(
      "variations", star.path, "--count", "3", "--columns", "3", "--padding", "0", "--output", near.path)
    let (grid, first) = (try picture(near), try picture(folder.appending(path: "near-0000.png")))
    XCTAssertEqual([grid.width, grid.height], [3 * first.width, first.height])
    XCTAssertEqual(grid.cropped(x: 0, y: 0, width: first.width, height: first.height), first)
    try run("replay", near.path)
  }

  func testPicturesOfOneOfSeveralAndOfPicturesAreVariedToo() throws {
    let folder = try temporaryFolder(for: self)
    let many = folder.appending(path: "many.png")
    for rng in ["philox", "torch"] {
      try run(
        "sample", model, "--steps", "3", "--count", "3", "--separate", "--rng", rng, "--output", many.path)
      let one = folder.appending(path: "many-0002.png")
      let same = folder.appending(path: "same.png")
      try run("variations", one.path, "--count", "1", "--variation-strength", "0", "--output", same.path)
      XCTAssertEqual(try picture(same), try picture(one), "strength 0 is the picture itself, \(rng)")
      try run("replay", same.path)
    }
    let painted = folder.appending(path: "painted.png")
    try run(
      "img2img", model, many.deletingLastPathComponent().appending(path: "same.png").path, "--steps", "3",
      "--output",
      painted.path)
    let near = folder.appending(path: "near.jpg")
    try run("variations", painted.path, "--count", "2", "--output", near.path)
    try run("replay", near.path)
  }

  func testWhatHasNoVariationsIsNamed() throws {
    let folder = try temporaryFolder(for: self)
    func refused(_ picture: URL, _ sentence: String, line: UInt = #line) throws {
      let result = try Command.run(
        "variations", picture.path, "--output", folder.appending(path: "v.png").path)
      XCTAssertEqual(result.code, 1, line: line)
      XCTAssert(result.errors.contains(sentence), result.errors, line: line)
      XCTAssertFalse(FileManager.default.fileExists(atPath: folder.appending(path: "v.png").path))
    }
    let plain = folder.appending(path: "plain.png")
    try Picture(width: 2, height: 2, pixels: Array(repeating: 9, count: 12)).write(to: plain, texts: [])
    try refused(plain, "carries no recipe of Darkroom's")
    let grid = folder.appending(path: "grid.png")
    try run("sample", model, "--steps", "2", "--count", "4", "--output", grid.path)
    try refused(grid, "is a grid of pictures of 8x8")
    let compared = folder.appending(path: "compared.png")
    try run("compare", model, "--samplers", "ddim", "--steps", "2", "--output", compared.path)
    try refused(compared, "'darkroom compare', of which there are no variations")
  }

  func testFramesBeginAndEndInThePicturesOfTheirStops() throws {
    let folder = try temporaryFolder(for: self)
    let walk = folder.appending(path: "walk.safetensors")
    func one(_ words: String...) throws -> [Float] {
      let url = folder.appending(path: "one.safetensors")
      let result = try Command.run("sample", words + ["--steps", "3", "--output", url.path])
      XCTAssertEqual(result.code, 0, result.errors)
      return try images(url).values
    }
    for rng in ["philox", "torch"] {
      // η draws at every step: that noise goes along too.
      try run(
        "interpolate", model, "--seeds", "4,9,2", "--frames", "5", "--steps", "3", "--eta", "1", "--rng", rng,
        "--output", walk.path)
      let frames = try images(walk)
      for (frame, seed) in [(0, "4"), (2, "9"), (4, "2")] {
        XCTAssertEqual(
          frames.rows(frame..<frame + 1).values, try one(model, "--seed", seed, "--eta", "1", "--rng", rng),
          "frame \(frame), \(rng)")
      }
      XCTAssertNotEqual(frames.rows(1..<2).values, frames.rows(0..<1).values)
    }
    try run(
      "interpolate", classModel, "--from", "3", "--to", "7", "--frames", "3", "--steps", "3",
      "--guidance-scale", "2",
      "--output", walk.path)
    let classes = try images(walk)
    let guided = ["--guidance-scale", "2"]
    XCTAssertEqual(classes.rows(0..<1).values, try one(classModel, "--class", "3", guided[0], guided[1]))
    XCTAssertEqual(classes.rows(2..<3).values, try one(classModel, "--class", "7", guided[0], guided[1]))
    XCTAssertNotEqual(classes.rows(1..<2).values, classes.rows(0..<1).values)

    let prompts = ["a red star", "a blue circle on a green background"]
    try run(
      "interpolate", textModel, "--from", prompts[0], "--to", prompts[1], "--frames", "3", "--steps", "3",
      "--negative-prompt", "dark", "--output", walk.path)
    let texts = try images(walk)
    for (frame, prompt) in [(0, prompts[0]), (2, prompts[1])] {
      XCTAssertEqual(
        texts.rows(frame..<frame + 1).values,
        try one(textModel, "--prompt", prompt, "--negative-prompt", "dark"))
    }
    XCTAssertNotEqual(texts.rows(1..<2).values, texts.rows(0..<1).values)
  }

  func testFramesDoNotDependOnTheBatchAndAreReplayed() throws {
    let folder = try temporaryFolder(for: self)
    func walk(_ name: String, _ options: String...) throws -> URL {
      let url = folder.appending(path: name)
      let result = try Command.run(
        "interpolate",
        [
          classModel, "--from", "3", "--to", "7", "--seeds", "1,2", "--frames", "4", "--steps", "2",
          "--output", url.path,
        ]
          + options)
      XCTAssertEqual(result.code, 0, result.errors)
      return url
    }
    let whole = try walk("a.safetensors")
    let parts = try walk("b.safetensors", "--batch-size", "1")
    XCTAssertEqual(try images(whole).values, try images(parts).values)
    let grid = try walk("grid.png", "--columns", "4", "--padding", "0")
    try run("replay", grid.path)
    let animated = try walk("animated.png", "--animate", "--fps", "20", "--loop", "3")
    try run("replay", animated.path)
    let frame = try picture(animated)
    XCTAssertEqual(try picture(grid).cropped(x: 0, y: 0, width: frame.width, height: frame.height), frame)
    let bytes = try Data(contentsOf: animated)
    // Frames and loops stand in the animation's control chunk.
    XCTAssertNotNil(bytes.range(of: Data("acTL".utf8) + Data([0, 0, 0, 4, 0, 0, 0, 3])))
    _ = try walk("frame.png", "--separate")
    let last = folder.appending(path: "frame-0003.png")
    XCTAssertEqual(
      try picture(grid).cropped(x: 3 * frame.width, y: 0, width: frame.width, height: frame.height),
      try picture(last))
    try run("replay", last.path)
  }

  func testPromptsOfUnlikeFormHaveNothingBetween() throws {
    let url = try temporaryFolder(for: self).appending(path: "a.png")
    let result = try Command.run(
      "interpolate", textModel, "--from", "a red star", "--to", "a star AND a circle", "--steps", "2",
      "--output", url.path)
    XCTAssertEqual(result.code, 1)
    XCTAssert(result.errors.contains("nothing lies between"), result.errors)
  }
}
