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

  func testQuietSaysNothing() throws {
    let folder = try temporaryFolder(for: self)
    let line = "\"$darkroom\" sample '\(model)' --steps 2 --output '\(folder.path)/o.png'"
    let loud = try Command.shell(line)
    XCTAssertTrue(loud.errors.contains("o.png: 1 picture, seed 0, number 0, in "), loud.errors)
    XCTAssertEqual(try Command.shell(line + " --quiet").errors, "")
  }
}
