import Foundation
import TestSupport
import XCTest

/// Mistakes on the command line: one sentence in one form, and one exit code for mistakes alike.
final class UsageTests: XCTestCase {
  private let model = Fixtures.url("pipelines/ddim").path

  func testCommandLinesThatCannotBeAreAllRefusedAlike() throws {
    let folder = try temporaryFolder(for: self)
    let output = ["--output", folder.appending(path: "o.png").path]
    let pictures = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "samples/shapes").path
    let picture = Fixtures.url("edits/picture-8.png").path
    func train(_ run: String, _ kind: String = "denoiser") -> [String] {
      ["train", kind, pictures, "--steps", "1", "--output", run]
    }
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
      (["sample", model, "--prompt", "a", "--prompt", "b"] + output, "--prompt is given 2 times"),
      (["compare", model, "--steps", "5,x"] + output, "--steps 5,x is not a list of numbers"),
      (["schedule", "plot", "ddim-linear", "--output", "o.png"], "must end in .svg."),
      (["sample", model, "--sampler", ""] + output, "--sampler is empty"),
      (["sample", model, "--schedule", ""] + output, "--schedule is empty"),
      (["sample", model, "--steps", "0"] + output, "--steps must be at least 1"),
      (["schedule", "show", ""], "<schedule> is empty"),
      (["data", "check", pictures, "--resolution", "0"], "--resolution must be from 1"),
      (["inpaint", model, picture, "--mask-box", "1,2,3", "--output", "o.png"], "not of the form"),
      (
        ["vae", "decode", model, "a", "--batch-size", "9223372036854775807"] + output, "--batch-size must be"
      ),
      (["bench", "sample", "--preset", "x"], "--preset x is not known"),
      (train(""), "--output is empty"), (train("/"), "is the root of all files"),
      (train(pictures + "/run"), "lies in the data set"),
      (["train", "", "--output", "r"], "<images> is empty"),
      (train("r") + ["--schedule", ""], "--schedule is empty"),
      (train("r") + ["--config", ""], "--config is empty"), (train("r") + ["--vae", ""], "--vae is empty"),
      (train("r") + ["--init-from", ""], "--init-from is empty"),
      (train("r") + ["--preset", "x"], "--preset x is not known"),
      (train("r") + ["--model", "unet", "--preset", "dit-tiny-4"], "of different families"),
      (train("r") + ["--huber-constant", "0.1"], "--huber-constant goes with --loss huber"),
      (train("r") + ["--loss", "huber", "--huber-constant", "2"], "--huber-constant 2.0 must be"),
      (train("r") + ["--extend-to", "5"], "--extend-to goes with --resume"),
      (train("r") + ["--epochs", "1", "--steps", "1"], "exclude each other"),
      (train("", "vae"), "--output is empty"),
      (train("r", "vae") + ["--perceptual-weights", ""], "--perceptual-weights is empty"),
      (train("r", "vae") + ["--init-from", ""], "--init-from is empty"),
      (train("r", "vae") + ["--init-from", "x", "--preset", "vae-kl-f8"], "leave --preset and --config out"),
      (train("", "classifier") + ["--classes", "folders"], "--output is empty"),
      (train("r", "classifier") + ["--classes", "folders", "--schedule", ""], "--schedule is empty"),
      (["train", "controlnet", "", pictures, "--output", "r"], "<model> is empty"),
      (["train", "controlnet", model, pictures, "--output", ""], "--output is empty"),
      (["resume", ""], "<run> is empty"),
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
    let files = try FileManager.default.subpathsOfDirectory(atPath: sources.path).filter {
      $0.hasSuffix(".swift")
    }
    XCTAssertGreaterThan(files.count, 50)
    for file in files {
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
