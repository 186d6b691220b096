import Foundation
import TestSupport
import XCTest

/// What the program is surrounded by decides no picture: threads that clusters limit, memory that ends.
final class EnvironmentTests: XCTestCase {
  func testVariablesThatTakeThreadsAwayChangeNoPicture() throws {
    let folder = try temporaryFolder(for: self)
    func sampled(_ model: String, _ environment: [String: String]) throws -> Data {
      let output = folder.appending(path: "\(UUID().uuidString).safetensors")
      let result = try Command.run(
        "sample", Fixtures.url("pipelines/\(model)").path, "--count", "9", "--steps", "4", "--threads", "4",
        "--output", output.path, environment: environment)
      XCTAssertEqual(result.code, 0, result.errors)
      return try Data(contentsOf: output)
    }
    for model in ["ddim", "dit"] {
      let expected = try sampled(model, [:])
      for (name, value) in [
        ("OMP_THREAD_LIMIT", "1"), ("OMP_THREAD_LIMIT", "2"), ("OMP_DYNAMIC", "true"),
        ("OMP_MAX_ACTIVE_LEVELS", "0"), ("OMP_NUM_THREADS", "1"),
      ] {
        XCTAssertEqual(try sampled(model, [name: value]), expected, "\(model) under \(name)=\(value)")
      }
    }
  }

  func testTrainingEndsWhereThreadsAreLimited() throws {
    let folder = try temporaryFolder(for: self)
    let images = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "samples/shapes/circle")
    let result = try Command.run(
      "train", images.path, "--resolution", "16", "--steps", "2", "--batch-size", "2", "--preview-every", "0",
      "--threads", "4", "--output", folder.appending(path: "run").path,
      environment: ["OMP_THREAD_LIMIT": "1"])
    XCTAssertEqual(result.code, 0, result.errors)
  }

  func testTheEndOfMemoryIsOneSentence() throws {
    let output = try temporaryFolder(for: self).appending(path: "large.png")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    // Three gigabytes of addresses: enough for the noise, not for a feature map of 32 channels.
    process.arguments = [
      "-c", "ulimit -v 3000000; exec \"$@\"", "sh", Command.program.path, "sample",
      Fixtures.url("pipelines/ddim").path, "--size", "4096x4096", "--steps", "1", "--output", output.path,
    ]
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    XCTAssertEqual(process.terminationReason, .exit)
    XCTAssertEqual(process.terminationStatus, 1)
    XCTAssert(text.contains("out of memory: ") && text.contains("lower --batch-size"), text)
    XCTAssertFalse(FileManager.default.fileExists(atPath: output.path))
  }
}
