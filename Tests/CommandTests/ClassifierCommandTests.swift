import Foundation
import Models
import Pictures
import Pipelines
import TestSupport
import Training
import XCTest

/// `darkroom train classifier`, and `darkroom evaluate classify` with what it leaves.
final class ClassifierCommandTests: XCTestCase {
  private var folder = URL(fileURLWithPath: "/")

  override func setUpWithError() throws {
    folder = try temporaryFolder(for: self)
    try ShapesDataset(count: 48, size: 16, seed: 2).write(to: folder.appending(path: "shapes"))
    let unet = """
      {"sample_size": 16, "block_out_channels": [16, 32], "layers_per_block": 1, "norm_num_groups": 4,
       "down_block_types": ["DownBlock2D", "DownBlock2D"], "up_block_types": ["UpBlock2D", "UpBlock2D"],
       "add_attention": false}
      """
    try Data(unet.utf8).write(to: folder.appending(path: "unet.json"))
  }

  private func path(_ name: String) -> String { folder.appending(path: name).path }
  private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }
  private func bytes(_ name: String) throws -> Data { try Data(contentsOf: folder.appending(path: name)) }

  private func train(_ run: String, steps: Int, _ more: [String] = []) -> [String] {
    [
      "classifier", path("shapes"), "--classes", "folders", "--config", path("unet.json"), "--output",
      path(run), "--steps", "\(steps)", "--batch-size", "8", "--warmup", "2", "--learning-rate", "3e-3",
      "--held-out", "0.2", "--validate-every", "10", "--preview-every", "10", "--threads", "2",
    ] + more
  }

  private func assertRefused(
    _ arguments: [String], _ words: String, code: Int32 = 1, file: StaticString = #filePath,
    line: UInt = #line
  ) throws {
    let result = try Command.run(arguments[0], Array(arguments.dropFirst()))
    XCTAssertEqual(result.code, code, file: file, line: line)
    XCTAssertTrue(result.errors.contains(words), "\(words): \(result.errors)", file: file, line: line)
  }

  func testARunLeavesAClassifierAndHowGoodItIs() throws {
    let result = try Command.run("train", train("guide", steps: 20))
    XCTAssertEqual(result.code, 0, result.errors)
    XCTAssertTrue(result.errors.contains("step 20: accuracy "), result.errors)
    XCTAssertTrue(result.errors.contains("timesteps 0 to 249 "), result.errors)
    let classifier = try ClassifierFolder(folder.appending(path: "guide"))
    XCTAssertEqual(
      classifier.classes, ["circle", "cross", "diamond", "heart", "ring", "square", "star", "triangle"])
    XCTAssertEqual(classifier.scheduler?.numTrainTimesteps, 1000)
    XCTAssertEqual(classifier.trainedSteps, 20)
    XCTAssertEqual(classifier.size?.width, 16)
    let quality = try JSONDecoder().decode(ClassifierQuality.self, from: bytes("guide/quality.json"))
    XCTAssertEqual(quality.bands.map(\.first), [0, 250, 500, 750])
    let lines = String(decoding: try bytes("guide/metrics.jsonl"), as: UTF8.self).split(separator: "\n")
    XCTAssertEqual(lines.filter { $0.contains(#""accuracy_750_999""#) }.count, 2)
    XCTAssertTrue(exists("guide/previews/step-000020.png"))
    let info = try Command.run("info", path("guide"))
    XCTAssertEqual(info.code, 0, info.errors)
    for words in ["NoisyClassifier", "16x16", "heart, ring", "DDPMScheduler"] {
      XCTAssertTrue(info.output.contains(words), info.output)
    }
  }

  func testAKilledRunEndsInTheSameBytes() throws {
    let more = ["--checkpoint-every", "5", "--clean"]
    let whole = try Command.run("train", train("whole", steps: 60, more))
    XCTAssertEqual(whole.code, 0, whole.errors)
    XCTAssertFalse(exists("whole/scheduler_config.json"), "there is no noise")
    let process = try Command.start(["train"] + train("killed", steps: 60, more))
    for _ in 0..<2000 where !exists("killed/training/state.safetensors") { usleep(5_000) }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    let resumed = try Command.run("resume", path("killed"))
    XCTAssertEqual(resumed.code, 0, resumed.errors)
    for file in ["diffusion_pytorch_model.safetensors", "metrics.jsonl", "quality.json", "config.json"] {
      XCTAssertEqual(try bytes("killed/\(file)"), try bytes("whole/\(file)"), file)
    }
    // Another kind of run is not gone on with.
    try assertRefused(
      ["train"] + train("whole", steps: 60, ["--resume"]), "was begun with --clean true, not false")
  }

  func testImpossibleRunsAreRefusedByName() throws {
    var without = train("run", steps: 1)
    without.removeAll { ["--classes", "folders"].contains($0) }
    try assertRefused(["train"] + without, "add --classes folders", code: 64)
    try assertRefused(
      ["train"] + train("run", steps: 1, ["--clean", "--schedule", "ddpm-linear-1000"]),
      "--clean and --schedule exclude each other", code: 64)
    try assertRefused(
      ["train"] + train("run", steps: 1, ["--resolution", "17"]), "needs a multiple of 2")
    for name in try FileManager.default.contentsOfDirectory(atPath: path("shapes"))
    where name != "star" { try FileManager.default.removeItem(atPath: path("shapes/\(name)")) }
    try assertRefused(["train"] + train("run", steps: 1), "has the one class 'star'")
    XCTAssertFalse(exists("run"))
  }

  func testPicturesAreClassified() throws {
    let trained = try Command.run("train", train("judge", steps: 150, ["--clean"]))
    XCTAssertEqual(trained.code, 0, trained.errors)
    struct Report: Decodable {
      struct Picture: Decodable {
        let file: String, `class`: String, probability: Float, expected: String?
      }
      struct Class: Decodable { let name: String, taken: Int, pictures: Int?, right: Int? }
      let pictures: [Picture]?, classes: [Class], count: Int, accuracy: Double?
    }
    func report(_ more: [String]) throws -> Report {
      let result = try Command.run("evaluate", ["classify", path("judge"), "--json"] + more)
      XCTAssertEqual(result.code, 0, result.errors)
      return try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
    }
    let known = try report([path("shapes"), "--classes", "folders"])
    let pictures = try XCTUnwrap(known.pictures)
    XCTAssertEqual(known.count, 48)
    let right = pictures.filter { $0.class == $0.expected }.count
    XCTAssertEqual(try XCTUnwrap(known.accuracy), Double(right) / 48, accuracy: 1e-9)
    XCTAssertGreaterThan(right, 24, "most of them were learned")
    XCTAssertEqual(known.classes.reduce(0) { $0 + $1.taken }, 48)
    XCTAssertEqual(known.classes.reduce(0) { $0 + ($1.right ?? 0) }, right)
    XCTAssertTrue(pictures.allSatisfy { (0.125...1).contains($0.probability) })

    // One by one, and in other batches, the same is said.
    let some = pictures.prefix(3)
    let alone = try report(some.map(\.file) + ["--batch-size", "2"])
    XCTAssertEqual(alone.pictures?.map(\.class), some.map(\.class))
    XCTAssertEqual(alone.pictures?.map(\.probability), some.map(\.probability))
    XCTAssertNil(alone.accuracy)
    XCTAssertNil(try report([path("shapes"), "--summary"]).pictures)

    let text = try Command.run("evaluate", ["classify", path("judge"), some[0].file]).output
    XCTAssertTrue(text.contains("\(some[0].file)\t\(some[0].class)\t"), text)
    XCTAssertTrue(text.contains("1 picture"), text)
  }

  func testWhatCannotBeClassifiedIsNamed() throws {
    XCTAssertEqual(try Command.run("train", train("judge", steps: 1)).code, 0)
    try FileManager.default.moveItem(atPath: path("shapes/star"), toPath: path("shapes/stat"))
    let classify = ["evaluate", "classify", path("judge")]
    try assertRefused(
      classify + [path("shapes"), "--classes", "folders"], "knows no class 'stat', a folder of")
    try assertRefused(classify + [path("shapes"), "--classes", "folders"], "'star' is near")
    try assertRefused(classify + [path("unet.json"), "--classes", "folders"], "is no folder")
    try assertRefused(classify + [path("unet.json")], "unet.json")
    try assertRefused(["evaluate", "classify", path("shapes"), path("shapes")], "holds no classifier")
    try Data(#"{"classes": ["a"]}"#.utf8).write(to: folder.appending(path: "judge/darkroom.json"))
    try assertRefused(
      classify + [path("shapes")], "has 1 for the number of classes that it names, and config.json has 8")
  }
}
