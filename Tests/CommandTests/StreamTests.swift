import Foundation
import TestSupport
import XCTest

/// Standard output and standard error as shells leave them: full, closed, or read by nobody.
final class StreamTests: XCTestCase {
  private let model = Fixtures.url("pipelines/ddim").path

  /// What is said beside the result stops no work where nobody can hear it.
  func testWorkGoesOnWhereStandardErrorCannotBeWritten() throws {
    let folder = try temporaryFolder(for: self)
    for (i, ending) in ["2>/dev/full", "2>&-", "2>&1 >/dev/null | true", "2>&1 >/dev/null | head -c 1"]
      .enumerated()
    {
      let file = folder.appending(path: "\(i).png").path
      let result = try Command.shell(
        "set -o pipefail; \"$darkroom\" sample '\(model)' --steps 2 --output '\(file)' \(ending)")
      XCTAssertEqual(result.code, 0, "\(ending): \(result.errors)")
      XCTAssertTrue(FileManager.default.fileExists(atPath: file), ending)
    }
    let pictures = folder.appending(path: "shapes").path
    XCTAssertEqual(try Command.run("data", "draw-shapes", pictures, "--count", "8", "--size", "16").code, 0)
    for (i, ending) in ["2>/dev/full", "2>&-", "2>&1 >/dev/null | head -c 1"].enumerated() {
      let result = try Command.shell(
        "set -o pipefail; \"$darkroom\" train '\(pictures)' --resolution 16 --steps 3 --batch-size 2 "
          + "--preview-every 0 --checkpoint-every 1 --output '\(folder.path)/run\(i)' \(ending)")
      XCTAssertEqual(result.code, 0, "\(ending): \(result.errors)")
      XCTAssertTrue(FileManager.default.fileExists(atPath: "\(folder.path)/run\(i)/model_index.json"), ending)
    }
    let refused = try Command.shell(
      "\"$darkroom\" sample /nowhere --output '\(folder.path)/x.png' 2>/dev/full")
    XCTAssertEqual(refused.code, 1, "the exit code says what the sentence could not")
  }

  /// The first file that a program opens takes the place of a closed stream; nothing that is said may get into it.
  func testAClosedStandardErrorGetsIntoNoFile() throws {
    let folder = try temporaryFolder(for: self)
    let line = "\"$darkroom\" sample '\(model)' --steps 2 --output '\(folder.path)/"
    XCTAssertEqual(try Command.shell(line + "a.png'").code, 0)
    XCTAssertEqual(try Command.shell(line + "b.png' 2>&- >&- <&-").code, 0)
    let picture = try XCTUnwrap(FileManager.default.contents(atPath: folder.path + "/b.png"))
    XCTAssertTrue(picture.starts(with: [0x89, 0x50, 0x4E, 0x47]))
  }

  func testAResultThatCannotBeWrittenIsAFailure() throws {
    for command in [
      "info '\(model)'", "schedule list", "schedule show ddim-linear --json", "--help", "sample --help",
      "--version",
    ] {
      for (ending, reason) in [(">/dev/full", "no space left on device"), (">&-", "bad file descriptor")] {
        let result = try Command.shell("\"$darkroom\" \(command) \(ending)")
        XCTAssertEqual(result.code, 1, "\(command) \(ending)")
        XCTAssertTrue(
          result.errors.hasPrefix("darkroom: standard output cannot be written (\(reason))"), result.errors)
        XCTAssertEqual(result.errors.split(separator: "\n").count, 1, result.errors)
      }
    }
  }

  /// `head` has read what it wanted: no sentence about it.
  func testAReaderThatLeavesIsNoMistake() throws {
    let result = try Command.shell("set -o pipefail; \"$darkroom\" info '\(model)' | true")
    XCTAssertTrue([0, 141].contains(result.code), "\(result.code)")
    XCTAssertEqual(result.errors, "")
  }

  func testALimitOfFileSizesIsOneSentence() throws {
    let folder = try temporaryFolder(for: self)
    let result = try Command.shell(
      "ulimit -f 1; \"$darkroom\" sample '\(model)' --steps 1 --count 64 --output '\(folder.path)/o.safetensors' -q"
    )
    XCTAssertEqual(result.code, 1, result.errors)
    XCTAssertTrue(result.errors.contains("cannot be written (file too large)"), result.errors)
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), [])
  }

  /// A file system that takes no files is named as such, before anything is computed.
  func testAReadOnlyFileSystemIsNamed() throws {
    let folder = try temporaryFolder(for: self)
    let mount = folder.appending(path: "fixed").path
    try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: true)
    // In a namespace of its own, which not every machine grants.
    let alone = "unshare -rm bash -c 'mount -t tmpfs -o ro none \(mount) && "
    try XCTSkipIf(try Command.shell(alone + "true'").code != 0, "no mount namespaces here")
    let pictures = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "samples/shapes/circle").path
    for command in [
      "sample \(model) --steps 1 --output \(mount)/o.png",
      "schedule plot ddim-linear --output \(mount)/o.svg",
      "train \(pictures) --steps 1 --output \(mount)/run", "train vae \(pictures) --output \(mount)/run",
      "data draw-shapes \(mount)/shapes --count 8",
      "compare \(model) --steps 1 --samplers ddim --output \(mount)/o.png",
    ] {
      let result = try Command.shell(alone + "exec \"$darkroom\" \(command)'")
      XCTAssertEqual(result.code, 1, "\(command): \(result.errors)")
      XCTAssertTrue(result.errors.contains("(read-only file system)"), "\(command): \(result.errors)")
      XCTAssertEqual(result.errors.split(separator: "\n").count, 1, result.errors)
    }
  }

  func testQuietSaysNothing() throws {
    let folder = try temporaryFolder(for: self)
    let line = "\"$darkroom\" sample '\(model)' --steps 2 --output '\(folder.path)/o.png'"
    let loud = try Command.shell(line)
    XCTAssertTrue(loud.errors.contains("o.png: 1 picture, seed 0, number 0, in "), loud.errors)
    XCTAssertEqual(try Command.shell(line + " --quiet").errors, "")
  }
}
