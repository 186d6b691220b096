import Foundation
import TestSupport
import XCTest

/// Mistakes on the command line: one sentence in one form, and one exit code for mistakes alike.
final class UsageTests: XCTestCase {
  private let model = Fixtures.url("pipelines/ddim").path

  func testCommandLinesThatCannotBeAreAllRefusedAlike() throws {
    let folder = try temporaryFolder(for: self)
    let output = ["--output", folder.appending(path: "o.png").path]
    for (arguments, expected) in [
      (["sample", model, "--count", "0"] + output, "--count must be from 1"),
      (["sample", model, "--threads", "0"] + output, "--threads 0 must be from 1"),
      (["sample", model, "--size", "big"] + output, "--size big is not of the form"),
      (["sample", model, "--size", "8x8", "--width", "8"] + output, "exclude each other"),
      (["sample", model, "--seed", "x"] + output, "'x' is invalid for '--seed <seed>'"),
      (["sample", model, "--output", ""], "--output is empty"),
      (["sample", "", "--output", "o.png"], "<model> is empty"),
      (["sample", model, "--output", "o.webp"], "must end in .png, .jpg or .safetensors."),
      (["grid", "a.png", "--output", "o.webp"], "must end in .png or .jpg."),
      (["sample", model, "--nonsense"] + output, "unknown option '--nonsense'"),
      (["sample"] + output, "missing expected argument '<model>'"),
      (["nonsense"], "unexpected argument 'nonsense'"),
      (["compare", model, "--class", "1", "--class", "2"] + output, "--class takes one class here"),
      (["compare", model, "--steps", "5,x"] + output, "--steps 5,x is not a list of numbers"),
      (["schedule", "plot", "ddim-linear", "--output", "o.png"], "must end in .svg."),
    ] {
      let result = try Command.run(arguments[0], Array(arguments.dropFirst()))
      XCTAssertEqual(result.code, 64, "\(arguments): \(result.errors)")
      XCTAssertTrue(result.errors.hasPrefix("darkroom: "), "\(arguments): \(result.errors)")
      XCTAssertTrue(result.errors.contains(expected), "\(arguments): \(result.errors)")
      XCTAssertEqual(result.errors.split(separator: "\n").count, 1, result.errors)
      XCTAssertEqual(result.output, "")
    }
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), [])
  }

  func testOnlyNearNamesAreSuggested() throws {
    func errors(_ option: String) throws -> String {
      try Command.run("sample", [model, option, "3", "--output", "o.png"]).errors
    }
    XCTAssertTrue(try errors("--step").contains("Did you mean '--steps'?"))
    XCTAssertTrue(try errors("--guidence-scale").contains("'--guidance-scale'?"))
    XCTAssertFalse(try errors("--lr").contains("Did you mean"))
    XCTAssertTrue(try errors("--lr").contains("See 'darkroom sample --help'."))
  }

  /// `~` means home wherever a file is named, also where quotes kept the shell from seeing it.
  func testHomeIsTheSameEverywhere() throws {
    let home = try temporaryFolder(for: self)
    try FileManager.default.copyItem(
      at: Fixtures.url("pipelines/ldm"), to: home.appending(path: "m"))
    for command in [
      "sample '~/m' --steps 1 --sampler '~/m' --schedule '~/m/scheduler/scheduler_config.json' --output '~/o.png'",
      "info '~/o.png'", "info '~/m'", "grid '~/o.png' --output '~/g.png'", "diff '~/o.png' '~/o.png'",
      "vae check '~/m' '~/o.png'", "schedule show '~/m' --steps 2", "schedule plot '~/m' --output '~/p.svg'",
      "compare '~/m' --samplers '~/m' --steps 1 --output '~/c.png'", "data draw-shapes '~/shapes' --count 8",
      "data check '~/shapes'",
    ] {
      let result = try Command.shell("HOME='\(home.path)' \"$darkroom\" \(command)")
      XCTAssertEqual(result.code, 0, "\(command): \(result.errors)")
    }
    XCTAssertEqual(
      try FileManager.default.contentsOfDirectory(atPath: home.path).filter { $0 != ".cache" }.sorted(),
      ["c.png", "g.png", "m", "o.png", "p.svg", "shapes"])
  }

  func testHelpTellsTheTruth() throws {
    let help = try Command.run("--help").output
    for code in ["0", "1", "64", "130", "141"] { XCTAssertTrue(help.contains("  \(code) "), code) }
    for command in [
      "sample", "compare", "grid", "info", "vae", "schedule", "schedule convergence", "data", "evaluate",
      "diff", "control", "prompt", "resume", "export",
    ] {
      let words = command.split(separator: " ").map(String.init)
      let text = try Command.run(words[0], Array(words.dropFirst()) + ["--help"]).output
      XCTAssertTrue(text.contains("EXAMPLES\n  darkroom \(words[0])"), text)
    }
    for train in [["train", "--help"], ["help", "train"]] {
      let text = try Command.run(train[0], Array(train.dropFirst())).output
      XCTAssertTrue(text.contains("--learning-rate"), "the options of what `train` stands for")
      XCTAssertTrue(text.contains("train vae") || text.contains("vae "), "and the other kind")
    }
  }

  /// Swift's own `print` loses what cannot be written, and says nothing of it.
  func testAllResultsGoThroughTheConsole() throws {
    let sources = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Sources/darkroom")
    for file in try FileManager.default.contentsOfDirectory(atPath: sources.path)
    where file.hasSuffix(".swift") {
      let text = try String(contentsOf: sources.appending(path: file), encoding: .utf8)
      for line in text.split(separator: "\n") where line.contains(/(^|[^.A-Za-z])print\(/) {
        XCTAssertTrue(line.contains("func print("), "\(file): \(line)")
      }
    }
  }

  func testShellsGetCompletions() throws {
    for shell in ["bash", "zsh", "fish"] {
      let script = try Command.run("--generate-completion-script", [shell])
      XCTAssertEqual(script.code, 0, script.errors)
      XCTAssertTrue(script.output.contains("guidance-scale"), shell)
    }
  }
}
