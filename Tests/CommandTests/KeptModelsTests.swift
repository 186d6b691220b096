import Foundation
import NN
import Pictures
import TestSupport
import XCTest

/// `samples/models`: what works right after the build.
final class KeptModelsTests: XCTestCase {
  private let models = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "samples/models")

  /// By its own sampler, and by those that leave what the model was learned with.
  func testTheShapesModelDrawsItsPrompt() throws {
    let model = models.appending(path: "shapes")
    let file = try temporaryFolder(for: self).appending(path: "o.png").path
    for (prompt, ground, more) in [
      ("a red star on a blue background", RGB(40, 80, 210), []),
      ("a black ring on a white background", RGB(240, 240, 240), ["--sampler", "ddim"]),
      ("a red star on a blue background", RGB(40, 80, 210), ["--sampler", "dpmpp-2m"]),
    ] {
      let sampled = try Command.run(
        "sample", [model.path, "--prompt", prompt, "--steps", "15", "--output", file] + more)
      XCTAssertEqual(sampled.code, 0, sampled.errors)
      let picture = try DecodedPicture(contentsOf: URL(fileURLWithPath: file)).picture
      XCTAssertEqual([picture.width, picture.height], [32, 32])
      // The corners are background: colours are told apart long before edges are sharp.
      for (x, y) in [(1, 1), (30, 1), (1, 30), (30, 30)] {
        let corner = picture[x, y]
        for (a, b) in [
          (corner.red, ground.red), (corner.green, ground.green), (corner.blue, ground.blue),
        ] {
          XCTAssertLessThan(abs(Int(a) - Int(b)), 80, "\(prompt), \(more): \(corner)")
        }
      }
      let replayed = try Command.run("replay", file)
      XCTAssertEqual(replayed.code, 0, replayed.errors)
      XCTAssertTrue(replayed.output.contains("identical"), replayed.output + replayed.errors)
    }
  }

  func testTheEmojiModelDrawsOnWhiteWhatItIsTold() throws {
    let model = models.appending(path: "emoji")
    let file = try temporaryFolder(for: self).appending(path: "o.png").path
    var drawn: Set<[UInt8]> = []
    for prompt in ["red heart", "grinning cat with smiling eyes"] {
      let sampled = try Command.run(
        "sample", model.path, "--prompt", prompt, "--guidance-scale", "3", "--steps", "15", "--output", file)
      XCTAssertEqual(sampled.code, 0, sampled.errors)
      let picture = try DecodedPicture(contentsOf: URL(fileURLWithPath: file)).picture
      XCTAssertEqual([picture.width, picture.height], [32, 32])
      for (x, y) in [(0, 0), (31, 0), (0, 31), (31, 31)] {
        XCTAssertGreaterThan(min(picture[x, y].red, picture[x, y].green, picture[x, y].blue), 200, prompt)
      }
      XCTAssertLessThan(picture[16, 16].blue, 200, prompt)
      XCTAssertTrue(drawn.insert(picture.pixels).inserted)
    }
  }

  func testTheyAreSmallAndOfSixteenBits() throws {
    for (name, most) in [("shapes", 4_000_000), ("emoji", 12_000_000)] {
      let model = models.appending(path: name)
      let files = try XCTUnwrap(
        FileManager.default.enumerator(at: model, includingPropertiesForKeys: [.fileSizeKey])?.allObjects
          as? [URL])
      let size = try files.reduce(0) { try $0 + ($1.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0) }
      XCTAssertLessThan(size, most, name)
      let weights = files.filter { $0.pathExtension == "safetensors" }
      XCTAssertFalse(weights.isEmpty, name)
      for file in weights {
        XCTAssertEqual(Set(try SafetensorsFile(file).entries.values.map(\.type)), ["F16"], file.path)
      }
    }
  }
}
