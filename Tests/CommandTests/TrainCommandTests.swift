import Foundation
import NN
import Pictures
import TestSupport
import Training
import XCTest

/// `darkroom train` from the command line: what it writes, kills and resumes, and everything that can go wrong.
final class TrainCommandTests: XCTestCase {
  private var folder = URL(fileURLWithPath: "/")

  override func setUpWithError() throws { folder = try temporaryFolder(for: self) }

  private func path(_ name: String) -> String { folder.appending(path: name).path }

  private func shapes(_ count: Int = 24) throws -> String {
    try ShapesDataset(count: count, size: 16, seed: 2).write(to: folder.appending(path: "shapes"))
    return path("shapes")
  }

  /// A network so small that a step takes milliseconds.
  private func config() throws -> String {
    let json = """
      {"sample_size": 8, "block_out_channels": [8, 16], "layers_per_block": 1, "norm_num_groups": 4,
       "down_block_types": ["DownBlock2D", "DownBlock2D"], "up_block_types": ["UpBlock2D", "UpBlock2D"],
       "add_attention": false, "time_embedding_dim": 16}
      """
    try Data(json.utf8).write(to: folder.appending(path: "config.json"))
    return path("config.json")
  }

  private func arguments(_ run: String, steps: Int = 30, _ more: [String] = []) throws -> [String] {
    [
      "train", try shapes(), "--classes", "folders", "--config", try config(), "--output", path(run),
      "--steps",
      "\(steps)", "--batch-size", "4", "--warmup", "2", "--preview-every", "0", "--checkpoint-every", "5",
      "--threads", "2",
    ] + more
  }

  private func run(_ arguments: [String]) throws -> Command.Result {
    try Command.run(arguments[0], Array(arguments.dropFirst()))
  }

  private func bytes(_ run: String, _ file: String) throws -> Data {
    try Data(contentsOf: folder.appending(path: "\(run)/\(file)"))
  }

  private let weights = "unet/diffusion_pytorch_model.safetensors"

  func testARunIsAPipelineFolder() throws {
    let result = try run(arguments("run", steps: 6, ["--preview-every", "3"]))
    XCTAssertEqual(result.code, 0, result.errors)
    for file in [
      "model_index.json", weights, "unet/config.json", "scheduler/scheduler_config.json", "darkroom.json",
      "loss.svg",
      "metrics.jsonl", "training/state.safetensors", "previews/step-000003.png", "previews/step-000006.png",
    ] { XCTAssertTrue(FileManager.default.fileExists(atPath: path("run/\(file)")), file) }
    XCTAssertEqual(try bytes("run", "metrics.jsonl").split(separator: UInt8(ascii: "\n")).count, 6)
    let sampled = try Command.run(
      "sample", path("run"), "--output", path("o.png"), "--class", "star", "--guidance-scale", "2", "--steps",
      "2")
    XCTAssertEqual(sampled.code, 0, sampled.errors)
    let info = try Command.run("info", path("run"))
    XCTAssertTrue(info.output.contains("classes       circle, cross"), info.output)
    let unknown = try Command.run("sample", path("run"), "--output", path("o.png"), "--class", "cat")
    XCTAssertTrue(unknown.errors.contains("has no class 'cat'; it has circle"), unknown.errors)
  }

  func testGuidanceOfAModelTrainedWithoutDropoutIsWarnedOf() throws {
    for (dropout, isWarned) in [("0", true), ("0.1", false)] {
      let name = "dropout-\(dropout)"
      XCTAssertEqual(try run(arguments(name, steps: 1, ["--label-dropout", dropout])).code, 0)
      let sampled = try Command.run(
        "sample", path(name), "--output", path("o.png"), "--class", "star", "--guidance-scale", "2",
        "--steps",
        "2")
      XCTAssertEqual(sampled.code, 0, sampled.errors)
      XCTAssertEqual(
        sampled.errors.contains("was trained without label drop-out"), isWarned, sampled.errors)
    }
  }

  /// Killed at three moments that no one chose, and resumed each time, a run ends in the bytes of one never killed.
  func testKilledAndResumedIsUninterrupted() throws {
    XCTAssertEqual(try run(arguments("whole", steps: 200)).code, 0)
    for round in 0..<3 {
      let process = try Command.start(arguments("killed", steps: 200, ["--resume"]))
      // The first is to find it at work; the others may find it anywhere, or done.
      if round == 0 {
        for _ in 0..<200 where (try? bytes("killed", "metrics.jsonl").isEmpty) ?? true { usleep(10_000) }
      } else {
        usleep(useconds_t.random(in: 100_000...400_000))
      }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      if round == 0 {
        XCTAssertEqual(process.terminationReason, .uncaughtSignal, "it was done before the kill")
      }
    }
    let last = try run(arguments("killed", steps: 200, ["--resume"]))
    XCTAssertEqual(last.code, 0, last.errors)
    for file in [weights, "training/state.safetensors", "metrics.jsonl", "loss.svg"] {
      XCTAssertEqual(try bytes("killed", file), try bytes("whole", file), file)
    }
    // What the kills left half-written is gone.
    let leftovers = try FileManager.default.contentsOfDirectory(atPath: path("killed/unet"))
    XCTAssertEqual(Set(leftovers), ["config.json", "diffusion_pytorch_model.safetensors"])
  }

  /// A kill between the last state and its model leaves a run with nothing left to train and a model to write.
  func testAResumeOfAFinishedRunWritesItsModel() throws {
    XCTAssertEqual(try run(arguments("run", steps: 2)).code, 0)
    let model = try bytes("run", weights)
    for file in [weights, "model_index.json"] {
      try FileManager.default.removeItem(atPath: path("run/\(file)"))
    }
    XCTAssertEqual(try run(arguments("run", steps: 2, ["--resume"])).code, 0)
    XCTAssertEqual(try bytes("run", weights), model)
    XCTAssertEqual(try run(["info", path("run")]).code, 0)
  }

  func testCtrlCSavesAndResumes() throws {
    XCTAssertEqual(try run(arguments("whole", steps: 200)).code, 0)
    let process = try Command.start(arguments("stopped", steps: 200, ["--checkpoint-every", "0"]))
    // Until it trains: the signal must find it at work.
    for _ in 0..<200 where (try? bytes("stopped", "metrics.jsonl").isEmpty) ?? true { usleep(10_000) }
    process.interrupt()
    process.waitUntilExit()
    XCTAssertEqual(process.terminationStatus, 130)
    XCTAssertTrue(FileManager.default.fileExists(atPath: path("stopped/training/state.safetensors")))
    let result = try run(arguments("stopped", steps: 200, ["--resume", "--checkpoint-every", "0"]))
    XCTAssertEqual(result.code, 0, result.errors)
    XCTAssertTrue(result.errors.contains("resuming"), result.errors)
    XCTAssertEqual(try bytes("stopped", weights), try bytes("whole", weights))
  }

  func testResumeWithoutACheckpointBeginsAnewAndSaysSo() throws {
    let result = try run(arguments("run", steps: 2, ["--resume"]))
    XCTAssertEqual(result.code, 0)
    XCTAssertTrue(result.errors.contains("has no checkpoint yet; beginning anew"), result.errors)
  }

  func testARunIsNotOverwrittenNorChanged() throws {
    XCTAssertEqual(try run(arguments("run", steps: 2)).code, 0)
    let again = try run(arguments("run", steps: 2))
    XCTAssertEqual(again.code, 1)
    XCTAssertTrue(again.errors.contains("holds a run already; add --resume"), again.errors)
    let other = try run(arguments("run", steps: 2, ["--resume", "--learning-rate", "0.5"]))
    XCTAssertTrue(other.errors.contains("was begun with --learning-rate 0.0002, not 0.5"), other.errors)
    let wider = try String(contentsOfFile: config(), encoding: .utf8).replacingOccurrences(
      of: "[8,", with: "[16,")
    try Data(wider.utf8).write(to: folder.appending(path: "wider.json"))
    let strange = try run(arguments("run", steps: 2, ["--resume", "--config", path("wider.json")]))
    XCTAssertTrue(
      strange.errors.contains("was begun with the network's block_out_channels [8,16], not [16,16]"),
      strange.errors)
    // What is left without a state is a model that may be another program's.
    try FileManager.default.removeItem(atPath: path("run/training/state.safetensors"))
    for more in [[], ["--resume"]] {
      let refused = try run(arguments("run", steps: 2, more))
      XCTAssertEqual(refused.code, 1)
      XCTAssertTrue(refused.errors.contains("holds a model already"), refused.errors)
    }
  }

  func testAFullDiskLeavesTheLastCheckpoint() throws {
    XCTAssertEqual(try run(arguments("run", steps: 5, ["--decay", "constant"])).code, 0)
    let before = try bytes("run", "training/state.safetensors")
    // A limit on the size of files, as a full disk sets one.
    let more = try arguments("run", steps: 10, ["--decay", "constant", "--resume"])
    let line = ([Command.program.path] + more).map { "'\($0)'" }.joined(separator: " ")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", "ulimit -f 40; exec \(line)"]
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    XCTAssertEqual(process.terminationStatus, 1, text)
    XCTAssertTrue(text.contains("cannot be written"), text)
    XCTAssertEqual(try bytes("run", "training/state.safetensors"), before)
    XCTAssertEqual(
      Set(try FileManager.default.contentsOfDirectory(atPath: path("run/training"))),
      ["state.safetensors", "lock", "command.json"])
  }

  func testBadPicturesAreNamedBeforeTheFirstStep() throws {
    let shapes = try shapes()
    let good = try Data(contentsOf: URL(fileURLWithPath: shapes + "/circle/0000.png"))
    let jpeg = try DecodedPicture(contentsOf: URL(fileURLWithPath: shapes + "/circle/0000.png")).picture
      .jpegData()
    for (name, data) in [
      ("truncated.png", good.prefix(good.count / 2)), ("jpeg.png", jpeg), ("empty.png", Data()),
      ("text.jpg", Data("hello".utf8)),
    ] { try data.write(to: URL(fileURLWithPath: "\(shapes)/circle/\(name)")) }
    try Picture(width: 1, height: 1, color: .black).write(
      to: URL(fileURLWithPath: shapes + "/circle/one.png"))
    let arguments = try [
      "train", shapes, "--classes", "folders", "--config", config(), "--output", path("run"), "--steps", "1",
    ]
    let result = try run(arguments)
    XCTAssertEqual(result.code, 1)
    for name in ["truncated.png", "jpeg.png", "empty.png", "text.jpg", "one.png"] {
      XCTAssertTrue(result.errors.contains(name), "\(name) in: \(result.errors)")
    }
    XCTAssertFalse(FileManager.default.fileExists(atPath: path("run")), "nothing is begun")
    let check = try Command.run("data", "check", shapes, "--classes", "folders", "--resolution", "8")
    XCTAssertEqual(check.code, 1)
    XCTAssertTrue(check.output.contains("jpeg.png"), check.output)
    // What is wrong is said quietly too; what is only worth a note is not.
    XCTAssertEqual(try run(arguments + ["--quiet"]).errors, result.errors)
    let without = try run(arguments + ["--skip-bad", "--preview-every", "0", "--quiet"])
    XCTAssertEqual(without.code, 0, without.errors)
    XCTAssertTrue(without.errors.contains("Left out:") && without.errors.contains("one.png"), without.errors)
    XCTAssertFalse(without.errors.contains("training "), without.errors)
    for name in ["truncated.png", "empty.png", "text.jpg", "one.png"] {
      try FileManager.default.removeItem(atPath: "\(shapes)/circle/\(name)")
    }
    let quiet = ["--output", path("quiet"), "--preview-every", "0", "--quiet"]
    let noted = try run(arguments + quiet)
    XCTAssertEqual(noted.code, 0, noted.errors)
    XCTAssertEqual(noted.errors, "", "a mislabelled picture is trained on all the same")
  }

  /// Every loss from the command line; what cannot be is refused before anything is written.
  func testLosses() throws {
    let hybrid = ["--learn-variance", "--timestep-sampling", "importance"]
    let result = try run(arguments("hybrid", steps: 4, hybrid + ["--preview-every", "4"]))
    XCTAssertEqual(result.code, 0, result.errors)
    let scheduler = try bytes("hybrid", "scheduler/scheduler_config.json")
    XCTAssertTrue(
      String(decoding: scheduler, as: UTF8.self).contains("\"variance_type\" : \"learned_range\""))
    let sampled = try Command.run("sample", path("hybrid"), "--output", path("o.png"), "--steps", "3")
    XCTAssertEqual(sampled.code, 0, sampled.errors)
    let evaluate = ["likelihood", path("hybrid"), path("shapes"), "--count", "2", "--timesteps-every", "100"]
    let likelihood = try Command.run(
      "evaluate", evaluate + ["--classes", "folders", "--plot", path("t.svg")])
    XCTAssertEqual(likelihood.code, 0, likelihood.errors)
    XCTAssertTrue(likelihood.output.contains("bits a dimension, 2 pictures of 8×8, variance learned_range"))
    XCTAssertTrue(FileManager.default.fileExists(atPath: path("t.svg")))
    let threads = try ["1", "2"].map {
      try Command.run("evaluate", evaluate + ["--json", "--threads", $0]).output
    }
    XCTAssertEqual(threads[0], threads[1], "the number of threads changes nothing")
    let report = try JSONDecoder().decode(LikelihoodReport.self, from: Data(threads[0].utf8))
    XCTAssertEqual(report.terms.map(\.evaluations).reduce(0, +), 2 * 11)
    let fixed = try Command.run("evaluate", evaluate + ["--variance", "fixed_small"])
    XCTAssertTrue(fixed.errors.contains("gives its own variance"), fixed.errors)
    let other = try run(arguments("hybrid", steps: 4, ["--resume"]))
    XCTAssertTrue(other.errors.contains("begun with --learn-variance true, not false"), other.errors)

    for (i, more) in [
      ["--loss", "huber", "--huber-schedule", "exponential", "--min-snr-gamma", "5"],
      ["--offset-noise", "0.1", "--timestep-sampling", "logit-normal", "--logit-mean", "0.5"],
      [
        "--schedule", "rectified-flow-shift-3", "--timestep-sampling", "logit-normal", "--preview-every", "2",
      ],
    ].enumerated() {
      let result = try run(arguments("run\(i)", steps: 2, more))
      XCTAssertEqual(result.code, 0, result.errors)
      let sampled = try Command.run("sample", path("run\(i)"), "--output", path("o.png"), "--steps", "2")
      XCTAssertEqual(sampled.code, 0, sampled.errors)
    }
    for (more, words) in [
      (["--vlb-weight", "0.1"], "--vlb-weight goes with --learn-variance"),
      (["--huber-schedule", "snr"], "--huber-schedule goes with --loss huber"),
      (["--learn-variance", "--offset-noise", "0.1"], "use one without the other"),
      (["--learn-variance", "--schedule", "ddim-cosine"], "DDPMScheduler"),
      (["--min-snr-gamma", "0"], "more than 0"), (["--schedule", "edm"], "preconditioning"),
      (["--schedule", "rectified-flow", "--min-snr-gamma", "5"], "not defined for a flow"),
    ] {
      let result = try run(arguments("refused", more))
      XCTAssertNotEqual(result.code, 0, "\(more)")
      XCTAssertTrue(result.errors.contains(words), "\(words): \(result.errors)")
      XCTAssertFalse(FileManager.default.fileExists(atPath: path("refused")))
    }
  }

  func testImpossibleCommandsAreRefused() throws {
    try FileManager.default.createDirectory(
      at: folder.appending(path: "empty"), withIntermediateDirectories: true)
    try Data("x".utf8).write(to: folder.appending(path: "file"))
    let base = try arguments("run")
    for (change, expected) in [
      (["train", path("empty"), "--output", path("run")], "holds no .png"),
      (["train", path("nowhere"), "--output", path("run")], "does not exist"),
      (["train", path("shapes"), "--output", path("file")], "is a file; name a folder"),
      (["train", path("shapes"), "--preset", "text-tiny", "--output", path("run")], "reads texts"),
      (base + ["--resolution", "9"], "multiple of 2"),
      (base + ["--schedule", "nonsense"], "neither a file nor a name"),
      (base + ["--schedule", "zero-snr-v-trailing", "--prediction", "epsilon"], "v_prediction"),
    ] {
      let result = try run(change)
      XCTAssertNotEqual(result.code, 0, "\(change)")
      XCTAssertTrue(result.errors.contains(expected), "\(expected): \(result.errors)")
      XCTAssertFalse(FileManager.default.fileExists(atPath: path("run")))
    }
  }
}
