import Foundation
import Pictures
import TensorCore
import TestSupport
import XCTest

/// What the program is surrounded by decides no picture: processors and threads.
final class EnvironmentTests: XCTestCase {
  /// Pictures and trained weights are the same files on every processor of one arithmetic.
  func testProcessorsOfOneArithmeticGiveTheSameFiles() throws {
    let folder = try temporaryFolder(for: self)
    let pictures = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "samples/shapes/circle")
    func run(_ name: String, _ arguments: [String], threads: Int) throws {
      let result = try Command.run(
        arguments[0], Array(arguments.dropFirst()) + ["--threads", "\(threads)"],
        environment: ["DARKROOM_PROCESSOR": name])
      XCTAssertEqual(result.code, 0, result.errors)
    }
    func made(_ name: String, threads: Int) throws -> [Data] {
      let made = folder.appending(path: "\(name)-\(threads)")
      let picture = "\(made.path).safetensors"
      try run(
        name,
        [
          "sample", Fixtures.url("pipelines/dit").path, "--count", "3", "--steps", "4", "--output", picture,
        ],
        threads: threads)
      try run(
        name,
        [
          "train", pictures.path, "--resolution", "8", "--steps", "3", "--batch-size", "2",
          "--preview-every", "0", "--output", made.path,
        ],
        threads: threads)
      return try [
        URL(fileURLWithPath: picture), made.appending(path: "unet/diffusion_pytorch_model.safetensors"),
      ].map { try Data(contentsOf: $0) }
    }
    let expected = try made("portable", threads: 1)
    for processor in Processor.available where processor.arithmetic == .fma {
      XCTAssertEqual(try made(processor.rawValue, threads: 3), expected, "\(processor)")
    }
  }

  /// Clusters set them; whoever used to count on OpenMP's threads made wrong pictures, and hung in training.
  func testOpenMPsVariablesDecideNothing() throws {
    let folder = try temporaryFolder(for: self)
    let pictures = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "samples/shapes/circle").path
    func made(_ environment: [String: String]) throws -> [Data] {
      let name = folder.appending(path: UUID().uuidString).path
      for arguments in [
        [
          "sample", Fixtures.url("pipelines/ddim").path, "--count", "9", "--steps", "3", "--output",
          name + ".png",
        ],
        [
          "train", pictures, "--resolution", "8", "--steps", "2", "--batch-size", "4", "--preview-every", "0",
          "--output", name,
        ],
      ] {
        let result = try Command.run(
          arguments[0], Array(arguments.dropFirst()) + ["--threads", "4"], environment: environment)
        XCTAssertEqual(result.code, 0, "\(environment): \(result.errors)")
      }
      let picture = try DecodedPicture(contentsOf: URL(fileURLWithPath: name + ".png")).picture
      let weights = name + "/unet/diffusion_pytorch_model.safetensors"
      return [Data(picture.pixels), try Data(contentsOf: URL(fileURLWithPath: weights))]
    }
    let expected = try made([:])
    for environment in [
      ["OMP_THREAD_LIMIT": "1"], ["OMP_THREAD_LIMIT": "2"], ["OMP_DYNAMIC": "true"],
      ["OMP_MAX_ACTIVE_LEVELS": "0"], ["OMP_NUM_THREADS": "1"],
    ] { XCTAssertEqual(try made(environment), expected, "\(environment)") }
  }

  func testAProcessorThatIsNotThereIsNamed() throws {
    let result = try Command.run(
      "schedule", ["list"], environment: ["DARKROOM_PROCESSOR": "abacus"])
    XCTAssertEqual(result.code, 1)
    XCTAssert(
      result.errors.contains("DARKROOM_PROCESSOR=abacus is not on this machine; it has portable"),
      result.errors)
  }

  func testTheCommonArithmeticCanBeAskedFor() throws {
    let folder = try temporaryFolder(for: self)
    func sampled(_ options: [String], _ environment: [String: String] = [:]) throws -> Data {
      let output = folder.appending(path: "\(UUID().uuidString).safetensors")
      let result = try Command.run(
        "sample", [Fixtures.url("pipelines/ddim").path, "--steps", "3", "--output", output.path] + options,
        environment: environment)
      XCTAssertEqual(result.code, 0, result.errors)
      return try Data(contentsOf: output)
    }
    XCTAssertEqual(
      try sampled(["--arithmetic", "fma"]), try sampled([], ["DARKROOM_PROCESSOR": "portable"]))
    guard !Processor.available.contains(.amx) else { return }
    let refused = try Command.run(
      "sample", Fixtures.url("pipelines/ddim").path, "--arithmetic", "split", "--output",
      folder.appending(path: "never.png").path)
    XCTAssertEqual(refused.code, 64)
    XCTAssert(refused.errors.contains("--arithmetic split needs AMX"), refused.errors)
  }
}
