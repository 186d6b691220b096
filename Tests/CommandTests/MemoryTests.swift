import Foundation
import Models
import TestSupport
import Training
import XCTest

/// Memory that a machine has not: told beforehand where that can be known, and one sentence where it ends on the way.
final class MemoryTests: XCTestCase {
  private var folder = URL(fileURLWithPath: "/")

  override func setUpWithError() throws {
    folder = try temporaryFolder(for: self)
    try ShapesDataset(count: 16, size: 64, seed: 2).write(to: folder.appending(path: "shapes"))
  }

  private func path(_ name: String) -> String { folder.appending(path: name).path }

  /// A limit on addresses is no limit of the machine: the forecast does not see it, the allocation does.
  func testTheEndOfMemoryIsOneSentence() throws {
    let shapes = path("shapes")
    for (name, limit, command) in [
      (
        "o.png", 2_500_000,
        "sample '\(Fixtures.url("pipelines/ddim").path)' --size 4096x4096 --steps 1 --output"
      ),
      (
        "run", 700_000,
        "train '\(shapes)' --preset tiny-32 --resolution 256 --batch-size 8 --steps 1 --preview-every 0 --output"
      ),
      (
        "vae", 700_000,
        "train vae '\(shapes)' --resolution 256 --batch-size 8 --steps 1 --preview-every 0 --output"
      ),
    ] {
      let result = try Command.shell("ulimit -v \(limit); \"$darkroom\" \(command) '\(path(name))'")
      XCTAssertEqual(result.code, 1, "\(command): \(result.errors)")
      let last = result.errors.split(separator: "\n").last ?? ""
      XCTAssertNotNil(
        last.firstMatch(of: /^darkroom: out of memory: \d+ MiB more were needed; lower --batch-size/),
        "\(last)")
      XCTAssertFalse(result.errors.contains("Fatal error"), result.errors)
    }
    XCTAssertFalse(FileManager.default.fileExists(atPath: path("o.png")))
    // What was begun can be gone on with by less.
    let smaller = try Command.run(
      "train", shapes, "--preset", "tiny-32", "--resolution", "16", "--batch-size", "2", "--steps", "1",
      "--preview-every", "0", "--output", path("run"))
    XCTAssertEqual(smaller.code, 0, smaller.errors)
  }

  /// Every kind of run, before its pictures are opened or its folder is made.
  func testTrainingBeyondMemoryIsRefusedBeforehand() throws {
    let large = ["--batch-size", "65536", "--steps", "1", "--resolution"]
    for (kind, more) in [
      (["denoiser", path("shapes")], ["4096"]),
      (["denoiser", path("shapes"), "--preset", "dit-s-2"], ["1024"]),
      (["denoiser", path("shapes"), "--captions", "metadata"], ["4096"]),
      (["denoiser", path("shapes"), "--vae", Fixtures.url("pipelines/ldm").path], ["4096"]),
      (["vae", path("shapes")], ["4096"]),
      (["classifier", path("shapes"), "--classes", "folders"], ["4096"]),
      (
        [
          "controlnet", Fixtures.url("pipelines/ddim").path, path("shapes"), "--conditions", path("shapes"),
        ], ["4096"]
      ),
    ] {
      let result = try Command.run("train", kind + ["--output", path("run")] + large + more)
      XCTAssertEqual(result.code, 1, "\(kind): \(result.errors)")
      XCTAssertNotNil(
        result.errors.firstMatch(
          of:
            /training with --batch-size 65536 at --resolution \d+ would run out of memory: about \d+ TB are needed/
        ),
        "\(kind): \(result.errors)")
      XCTAssertTrue(result.errors.contains("lower --batch-size"), result.errors)
    }
    XCTAssertFalse(FileManager.default.fileExists(atPath: path("run")))
  }

  /// The forecast of a picture's memory in training is at least two fifths of what it takes, since gradients on the way
  /// back and the products' work memory are not in it, and never more: what would fit is not refused.
  func testTheForecastOfTrainingIsMeasured() throws {
    for (preset, many) in [("tiny-32", 18), ("dit-tiny-2", 8)] {
      let config = try XCTUnwrap(DenoiserFamilies.config(preset: preset))
      let size = config.nativeSize ?? (32, 32)
      func peak(_ count: Int) throws -> Double {
        let result = try Command.run(
          "bench", "train", "--preset", preset, "--batch-size", "\(count)", "--repeats", "1")
        let number = result.output.firstMatch(of: /"peak_rss_bytes": (\d+)/)?.output.1
        return try XCTUnwrap(number.flatMap { Double($0) }, result.errors)
      }
      let measured = (try peak(many) - peak(2)) / Double(many - 2)
      let cost = try XCTUnwrap(config.cost(height: size.height, width: size.width))
      let forecast = 4 * (cost.saved + cost.values)
      XCTAssertLessThan(forecast, measured, preset)
      XCTAssertGreaterThan(forecast, 0.4 * measured, preset)
    }
  }
}
