import Foundation
import Pictures
import TestSupport
import XCTest

final class PictureCommandTests: XCTestCase {
  func testDiff() throws {
    let folder = try temporaryFolder(for: self)
    let (one, two) = (folder.appending(path: "1.png"), folder.appending(path: "2.png"))
    var picture = Picture(width: 10, height: 5, color: RGB(100, 100, 100))
    try picture.write(to: one)
    picture[7, 3] = RGB(100, 90, 151)
    try picture.write(to: two)
    let output = folder.appending(path: "d.png")
    let result = try Command.run("diff", one.path, two.path, "-o", output.path)
    XCTAssertEqual(result.code, 0, result.errors)
    for line in [
      "size          10x5", "largest       51 of 255, at column 7, row 3",
      "differing     1 of 50 pixels (2.00 %)",
      // 10·log₁₀(255² · 150 / (10² + 51²))
      "PSNR          35.58 dB", "differences times 5\n",
    ] { XCTAssertTrue(result.output.contains(line), "\(line)\n\(result.output)") }
    XCTAssertEqual(try DecodedPicture(contentsOf: output).picture[7, 3], RGB(0, 50, 255))
    let same = try Command.run("diff", one.path, one.path)
    XCTAssertTrue(same.output.contains("infinite: all pixels are equal"), same.output)
    XCTAssertTrue(same.output.contains("SSIM          1.0000"), same.output)
  }

  func testDiffRefusesTwoSizes() throws {
    let folder = try temporaryFolder(for: self)
    let (one, two) = (folder.appending(path: "1.png"), folder.appending(path: "2.png"))
    try Picture(width: 4, height: 4, color: .black).write(to: one)
    try Picture(width: 5, height: 4, color: .black).write(to: two)
    let result = try Command.run("diff", one.path, two.path)
    XCTAssertEqual(result.code, 1)
    XCTAssertTrue(result.errors.contains("4x4") && result.errors.contains("5x4"), result.errors)
    let wrong = try Command.run("diff", one.path, one.path, "-o", folder.path + "/d.safetensors")
    XCTAssertTrue(wrong.errors.contains("must end in .png or .jpg"), wrong.errors)
  }

  func testControl() throws {
    let folder = try temporaryFolder(for: self)
    let input = folder.appending(path: "in.png")
    var picture = Picture(width: 32, height: 32, color: RGB(250, 200, 30))
    for y in 8..<24 { for x in 8..<24 { picture[x, y] = RGB(20, 30, 160) } }
    try picture.write(to: input)
    func run(_ arguments: String...) throws -> Picture {
      let output = folder.appending(path: "out.png")
      let result = try Command.run(
        "control", [arguments[0], input.path, "-o", output.path] + arguments.dropFirst())
      XCTAssertEqual(result.code, 0, result.errors)
      return try DecodedPicture(contentsOf: output).picture
    }
    XCTAssertEqual(try run("canny"), Canny().edges(of: picture))
    XCTAssertEqual(
      try run("canny", "--low", "20", "--high", "40", "--aperture", "5", "--l2"),
      Canny(low: 20, high: 40, aperture: 5, usesL2: true).edges(of: picture))
    XCTAssertEqual(try run("lineart", "--sigma", "3"), picture.lineArt(sigma: 3))
    XCTAssertEqual(try run("scribble"), picture.scribble())
    XCTAssertEqual(try run("grey"), picture.grey)
    XCTAssertEqual(try run("tile", "--factor", "4"), picture.tile(factor: 4))
    let square = Mask(rectangle: .init(x: 8, y: 8, width: 16, height: 16), width: 32, height: 32)
    XCTAssertEqual(try run("mask"), square.inverted.picture)
    XCTAssertEqual(try run("mask", "--grow", "-2"), square.inverted.grown(-2).picture)
    XCTAssertEqual(
      try run("mask", "--invert", "--grow", "2", "--feather", "1"), square.grown(2).feathered(1).picture)
    let wrong = try Command.run("control", "canny", input.path, "-o", input.path, "--aperture", "4")
    XCTAssertNotEqual(wrong.code, 0)
    XCTAssertTrue(wrong.errors.contains("--aperture must be 3, 5 or 7"), wrong.errors)
    let opaque = try Command.run("control", "mask", input.path, "-o", folder.path + "/m.png", "--alpha")
    XCTAssertEqual(opaque.code, 1)
    XCTAssertTrue(opaque.errors.contains("has no transparency"), opaque.errors)
  }

  /// A JPEG that says how it was made.
  func testInfoReadsARecipeInAJPEG() throws {
    let folder = try temporaryFolder(for: self)
    let file = folder.appending(path: "a.jpg")
    let recipe = Recipe(
      version: "0.1.0", model: "runs/shapes", seed: 42, steps: 20, sampler: "ddim", className: "star",
      width: 8,
      height: 8)
    try Picture(width: 8, height: 8, color: .black).write(to: file, texts: recipe.textChunks())
    let result = try Command.run("info", file.path)
    XCTAssertEqual(result.code, 0, result.errors)
    for text in ["JPEG", "runs/shapes", "42", "star"] {
      XCTAssertTrue(result.output.contains(text), result.output)
    }
  }
}
