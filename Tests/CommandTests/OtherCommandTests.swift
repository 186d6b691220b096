import Foundation
import Pictures
import Schedulers
import TestSupport
import Training
import XCTest

final class OtherCommandTests: XCTestCase {
  func testEveryCommandHasHelpAndNamesItsDefaults() throws {
    for command in [
      "train", "train denoiser", "train vae", "train controlnet", "train classifier", "sample", "compare",
      "vae",
      "vae encode",
      "vae decode",
      "vae check",
      "evaluate", "evaluate likelihood", "evaluate classify", "evaluate nearest", "schedule convergence",
      "grid", "schedule",
      "schedule list",
      "schedule show", "schedule plot", "data",
      "data check",
      "data draw-shapes", "info", "export", "diff", "control", "control canny", "control lineart",
      "control scribble",
      "control grey", "control mask", "control tile",
    ] {
      let words = command.split(separator: " ").map(String.init)
      let help = try Command.run(words[0], words.dropFirst() + ["--help"])
      XCTAssertEqual(help.code, 0, command)
      XCTAssertTrue(help.output.contains("OVERVIEW"), command)
    }
    let help = try Command.run("train", "denoiser", "--help").output
    for text in ["(default: 10000, or", "tiny-32", "ddpm-cosine-1000, or that", "--resume"] {
      XCTAssertTrue(help.contains(text), text)
    }
  }

  func testGrid() throws {
    let folder = try temporaryFolder(for: self)
    var files: [String] = []
    for (i, color) in [RGB(255, 0, 0), RGB(0, 255, 0), RGB(0, 0, 255)].enumerated() {
      let url = folder.appending(path: "\(i).png")
      try Picture(width: 4, height: 4, color: color).write(to: url)
      files.append(url.path)
    }
    let output = folder.appending(path: "grid.png")
    let result = try Command.run(
      "grid", files + ["--output", output.path, "--columns", "2", "--padding", "1"])
    XCTAssertEqual(result.code, 0, result.errors)
    let grid = try DecodedPicture(contentsOf: output).picture
    XCTAssertEqual([grid.width, grid.height], [11, 11])
    XCTAssertEqual(grid[1, 1], RGB(255, 0, 0))
    XCTAssertEqual(grid[6, 1], RGB(0, 255, 0))
    XCTAssertEqual(grid[1, 6], RGB(0, 0, 255))
    XCTAssertEqual(grid[0, 0], .white)
    let missing = try Command.run("grid", [folder.path + "/none.png", "--output", output.path])
    XCTAssertEqual(missing.code, 1)
    XCTAssertTrue(missing.errors.contains("none.png"), missing.errors)
  }

  func testGridsHaveWordsAlongTheirSides() throws {
    let folder = try temporaryFolder(for: self)
    let files = try (0..<4).map { i in
      let url = folder.appending(path: "\(i).png")
      try Picture(width: 4, height: 4, color: RGB(255, 0, 0)).write(to: url)
      return url.path
    }
    let output = folder.appending(path: "grid.png").path
    let labels = [
      "--column-label", "one", "--column-label", "two", "--row-label", "a", "--row-label", "b",
    ]
    let result = try Command.run("grid", files + labels + ["--output", output, "--zoom", "8"])
    XCTAssertEqual(result.code, 0, result.errors)
    let grid = try DecodedPicture(contentsOf: URL(fileURLWithPath: output)).picture
    // Padding of 2 around three columns and rows: words of 9×11 and 21×11, pictures of 32×32.
    XCTAssertEqual([grid.width, grid.height], [2 + 9 + 2 + 34 + 34, 2 + 11 + 2 + 34 + 34])
    XCTAssertTrue((0..<13).contains { x in (15..<49).contains { grid[x, $0] == .black } }, "a row's letter")
    XCTAssertEqual(grid[30, 30], RGB(255, 0, 0))
    let few = try Command.run("grid", files + labels.dropLast(2) + ["--output", output])
    XCTAssertEqual(few.code, 64)
    XCTAssertTrue(few.errors.contains("--row-label is given 1 times for 2 rows"), few.errors)
  }

  func testNearestPicturesAreFound() throws {
    let folder = try temporaryFolder(for: self)
    try ShapesDataset(count: 16, size: 16, seed: 1).write(to: folder.appending(path: "set"))
    let file = folder.appending(path: "set/star/0001.png")
    let copy = folder.appending(path: "copy.png")
    try FileManager.default.copyItem(at: file, to: copy)
    let output = folder.appending(path: "near.png")
    let result = try Command.run(
      "evaluate", "nearest", copy.path, "--among", folder.appending(path: "set").path, "--count", "3",
      "--output", output.path)
    XCTAssertEqual(result.code, 0, result.errors)
    XCTAssertEqual(
      result.output, "\(copy.path)\t0.0\tstar/0001.png\n1 picture, median distance 0.0\n")
    let grid = try DecodedPicture(contentsOf: output).picture
    XCTAssertEqual([grid.width, grid.height], [4 * 18 + 2, 20])
  }

  func testScheduleCommands() throws {
    let list = try Command.run("schedule", "list").output
    for preset in Presets.all { XCTAssertTrue(list.contains(preset.name)) }
    let json = try Command.run("schedule", "show", "ddim-cosine", "--steps", "4", "--json").output
    let rows = try JSONDecoder().decode([ScheduleTable.Row].self, from: Data(json.utf8))
    XCTAssertEqual(rows.map(\.timestep), [750, 500, 250, 0])
    let folder = try temporaryFolder(for: self)
    let plot = folder.appending(path: "p.svg")
    let result = try Command.run(
      "schedule", "plot", "ddpm-linear-1000", "ddpm-cosine-1000", "--output", plot.path)
    XCTAssertEqual(result.code, 0, result.errors)
    XCTAssertTrue(try String(contentsOf: plot, encoding: .utf8).contains("ddpm-cosine-1000"))
    XCTAssertTrue(try Command.run("schedule", "show", "x").errors.contains("known are ddpm-linear-1000"))
  }

  func testDataCheckCountsAndCaps() throws {
    let folder = try temporaryFolder(for: self)
    XCTAssertEqual(try Command.run("data", "draw-shapes", folder.path, "--count", "32").code, 0)
    let capped = try Command.run("data", "check", folder.path, "--resolution", "64")
    XCTAssertEqual(capped.code, 0, capped.output)
    XCTAssertTrue(capped.output.contains("(will be enlarged): 32"), capped.output)
    XCTAssertTrue(capped.output.contains("… and 22 more (--all names them)"), capped.output)
    XCTAssertEqual(capped.output.components(separatedBy: "(32×32)").count - 1, 10)
    let all = try Command.run("data", "check", folder.path, "--resolution", "64", "--all")
    XCTAssertEqual(all.output.components(separatedBy: "(32×32)").count - 1, 32)
  }

  func testDrawnShapesAreTheCommittedOnes() throws {
    let folder = try temporaryFolder(for: self)
    let result = try Command.run("data", "draw-shapes", folder.path, "--count", "8")
    XCTAssertEqual(result.code, 0, result.errors)
    let check = try Command.run("data", "check", folder.path, "--classes", "folders")
    XCTAssertEqual(check.code, 0, check.output)
  }
}
