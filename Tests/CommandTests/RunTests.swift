import Foundation
import NN
import Pictures
import Pipelines
import TestSupport
import Training
import XCTest

/// What keeps a training run safe: its lock, its signals, its explosions, and what it may become when it goes on.
final class RunTests: XCTestCase {
  private var folder = URL(fileURLWithPath: "/")

  override func setUpWithError() throws {
    folder = try temporaryFolder(for: self)
    try ShapesDataset(count: 24, size: 16, seed: 2).write(to: folder.appending(path: "shapes"))
    // Some tests move pictures about; captions take no part here.
    try FileManager.default.removeItem(atPath: path("shapes/metadata.jsonl"))
    let unet = """
      {"sample_size": 8, "block_out_channels": [8, 16], "layers_per_block": 1, "norm_num_groups": 4,
       "down_block_types": ["DownBlock2D", "DownBlock2D"], "up_block_types": ["UpBlock2D", "UpBlock2D"],
       "add_attention": false, "time_embedding_dim": 16}
      """
    let vae = """
      {"block_out_channels": [8, 16], "layers_per_block": 1, "norm_num_groups": 4, "sample_size": 16,
       "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D"],
       "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D"]}
      """
    try Data(unet.utf8).write(to: folder.appending(path: "unet.json"))
    try Data(vae.utf8).write(to: folder.appending(path: "vae.json"))
  }

  private func path(_ name: String) -> String { folder.appending(path: name).path }
  private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }
  private func bytes(_ name: String) throws -> Data { try Data(contentsOf: folder.appending(path: name)) }

  private func arguments(_ run: String, steps: Int = 30, _ more: [String] = []) -> [String] {
    [
      "train", path("shapes"), "--classes", "folders", "--config", path("unet.json"), "--output", path(run),
      "--batch-size", "4", "--warmup", "2", "--preview-every", "0", "--checkpoint-every", "5", "--threads",
      "2",
    ] + (steps > 0 ? ["--steps", "\(steps)"] : []) + more
  }

  private func vaeArguments(_ run: String, _ more: [String] = []) -> [String] {
    [
      "train", "vae", path("shapes"), "--config", path("vae.json"), "--output", path(run), "--steps", "12",
      "--batch-size", "4", "--warmup", "2", "--preview-every", "6", "--threads", "2",
    ] + more
  }

  private func run(_ arguments: [String]) throws -> Command.Result {
    try Command.run(arguments[0], Array(arguments.dropFirst()))
  }

  private func assertRuns(
    _ arguments: [String], file: StaticString = #filePath, line: UInt = #line
  ) throws -> Command.Result {
    let result = try run(arguments)
    XCTAssertEqual(result.code, 0, result.errors, file: file, line: line)
    return result
  }

  private func assertRefused(
    _ arguments: [String], _ words: String, file: StaticString = #filePath, line: UInt = #line
  ) throws {
    let result = try run(arguments)
    XCTAssertNotEqual(result.code, 0, file: file, line: line)
    XCTAssertTrue(result.errors.contains(words), "\(words): \(result.errors)", file: file, line: line)
  }

  private func stepsTaken(_ run: String) throws -> Int {
    let state = try SafetensorsFile(folder.appending(path: "\(run)/training/state.safetensors"))
    return Int(state.metadata["steps"] ?? "") ?? -1
  }

  /// Starts a run and waits until it trains.
  private func started(_ arguments: [String], _ run: String) throws -> Process {
    let process = try Command.start(arguments)
    for _ in 0..<2000 where (try? bytes("\(run)/metrics.jsonl").isEmpty) ?? true { usleep(10_000) }
    return process
  }

  // MARK: Who may train where

  func testTwoProcessesDoNotTrainIntoOneFolder() throws {
    let process = try started(arguments("run", steps: 1_000_000), "run")
    defer { process.waitUntilExit() }
    for more in [[], ["--resume"]] {
      try assertRefused(
        arguments("run", steps: 1_000_000, more), "is being trained by process \(process.processIdentifier);")
    }
    // The lock dies with its process, however that ends.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    let next = try started(arguments("run", steps: 1_000_000, ["--resume"]), "run")
    XCTAssertTrue(next.isRunning)
    kill(next.processIdentifier, SIGKILL)
    next.waitUntilExit()
  }

  func testPlacesThatCannotBeARunAreRefused() throws {
    func at(_ output: String) -> [String] {
      ["train", path("shapes"), "--config", path("unet.json"), "--steps", "1", "--output", output]
    }
    try assertRefused(at(""), "--output is empty")
    try assertRefused(at("/"), "is the root of all files")
    try assertRefused(at(path("shapes")), "lies in the data set")
    try assertRefused(at(path("shapes") + "/../shapes/run"), "lies in the data set")
    try FileManager.default.createSymbolicLink(
      atPath: path("link"), withDestinationPath: path("shapes"))
    try assertRefused(at(path("link") + "/run"), "lies in the data set")
    XCTAssertFalse(exists("shapes/run"))
    // A file system that takes no files; what is said is the system's word for it.
    try assertRefused(at("/proc/run"), "cannot be written (")
  }

  func testAResumeRemovesWhatAKilledRunLeft() throws {
    _ = try assertRuns(arguments("run", steps: 5))
    // A process that is gone, and one that is not.
    let gone = try Command.start(["--version"])
    gone.waitUntilExit()
    let left = "run/unet/.diffusion_pytorch_model.safetensors.\(gone.processIdentifier)-123.partial"
    let alive = "run/.grid.png.\(getpid())-123.partial"
    for name in [left, alive] { try Data(count: 1000).write(to: folder.appending(path: name)) }
    let result = try assertRuns(arguments("run", steps: 5, ["--resume"]))
    XCTAssertTrue(result.errors.contains("removed what a killed run left"), result.errors)
    XCTAssertFalse(exists(left))
    XCTAssertTrue(exists(alive))
  }

  // MARK: Signals

  func testAClosedTerminalAndAQuickSecondCtrlCLoseNothing() throws {
    for signals in [[SIGHUP, SIGHUP], [SIGINT, SIGINT], [SIGTERM, SIGINT]] {
      let name = "run\(signals)"
      let process = try started(
        arguments(name, steps: 1_000_000, ["--checkpoint-every", "0"]), name)
      for number in signals {
        kill(process.processIdentifier, number)
        usleep(1000)
      }
      process.waitUntilExit()
      XCTAssertEqual(process.terminationReason, .exit)
      XCTAssertEqual(process.terminationStatus, 130)
      XCTAssertGreaterThan(try stepsTaken(name), 0)
    }
  }

  // MARK: Explosions

  func testAnExplosionKeepsTheCheckpointBeforeItAndMayGoOnMoreSlowly() throws {
    // The first update has a rate of 0; the second has one that no weight survives.
    let wild = ["--learning-rate", "1e30", "--warmup", "30", "--checkpoint-every", "1"]
    try assertRefused(arguments("run", steps: 60, wild), "add --resume and a lower --learning-rate")
    XCTAssertEqual(try stepsTaken("run"), 1)
    for part in ["weight", "average"] {
      let state = try SafetensorsFile(folder.appending(path: "run/training/state.safetensors"))
      for key in state.entries.keys where key.hasPrefix(part) {
        XCTAssertTrue(try state.tensor(key).values.allSatisfy { abs($0) < 100 }, key)
      }
    }
    // The advice can be followed, and only that.
    try assertRefused(
      arguments("run", steps: 60, ["--resume", "--learning-rate", "1e-3", "--flip"]), "--flip false, not true"
    )
    let tame = ["--resume", "--learning-rate", "1e-3", "--warmup", "2", "--checkpoint-every", "10"]
    let result = try assertRuns(arguments("run", steps: 60, tame))
    XCTAssertTrue(result.errors.contains("resuming"), result.errors)
    // After a checkpoint at the new rate that is the run's.
    try assertRefused(
      arguments("run", steps: 60, ["--resume", "--learning-rate", "2e-3", "--warmup", "2"]),
      "--learning-rate 0.001, not 0.002")
  }

  // MARK: What a run may become

  func testAnotherScheduleDataSetOrClassListIsNamed() throws {
    _ = try assertRuns(arguments("run", steps: 2))
    let resume = arguments("run", steps: 2, ["--resume"])
    try assertRefused(
      resume + ["--schedule", "ddpm-linear-1000"],
      #"the schedule's beta_schedule "squaredcos_cap_v2", not "linear""#)
    try assertRefused(
      resume + ["--prediction", "sample"], #"the schedule's prediction_type "epsilon", not "sample""#)
    try assertRefused(resume + ["--classes", "none"], "the network's num_class_embeds 9, not")
    try assertRefused(resume + ["--seed", "1"], "--seed 0, not 1")
    // Another picture of the same name and size.
    let (one, other) = (path("shapes/circle/0000.png"), path("shapes/cross/0000.png"))
    if FileManager.default.fileExists(atPath: one), FileManager.default.fileExists(atPath: other) {
      let before = try Data(contentsOf: URL(fileURLWithPath: one))
      try Data(contentsOf: URL(fileURLWithPath: other)).write(to: URL(fileURLWithPath: one))
      try assertRefused(resume, "the pictures 24 of the fingerprint")
      try before.write(to: URL(fileURLWithPath: one))
    }
    _ = try assertRuns(resume)
    try FileManager.default.moveItem(atPath: path("shapes/star"), toPath: path("shapes/sun"))
    try assertRefused(resume, "the classes circle, cross, diamond, heart, ring, square, star, triangle, not")
  }

  func testARunIsLengthenedAndResumedByItsName() throws {
    _ = try assertRuns(arguments("run", steps: 10))
    try assertRefused(arguments("run", steps: 10, ["--extend-to", "20"]), "--extend-to goes with --resume")
    try assertRefused(
      arguments("run", steps: 10, ["--resume", "--extend-to", "5"]), "has made 10 updates already")
    let longer = try assertRuns(["resume", path("run"), "--extend-to", "20"])
    XCTAssertTrue(longer.errors.contains("20 updates in all in place of 10; the rate is now"), longer.errors)
    XCTAssertEqual(try stepsTaken("run"), 20)
    // The command remembers it; the first one does not fit any more.
    _ = try assertRuns(["resume", path("run")])
    try assertRefused(arguments("run", steps: 10, ["--resume"]), "--steps 20, not 10")
    try assertRefused(["resume", path("shapes")], "holds no run that remembers its command")
  }

  func testAStoppedRunIsResumedByItsNameAlone() throws {
    _ = try assertRuns(arguments("whole", steps: 120))
    let process = try started(arguments("stopped", steps: 120), "stopped")
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    XCTAssertEqual(process.terminationReason, .uncaughtSignal)
    _ = try assertRuns(["resume", path("stopped")])
    for file in ["unet/diffusion_pytorch_model.safetensors", "metrics.jsonl", "training/state.safetensors"] {
      XCTAssertEqual(try bytes("stopped/\(file)"), try bytes("whole/\(file)"), file)
    }
  }

  func testFineTuningBeginsWithTheModel() throws {
    _ = try assertRuns(arguments("base", steps: 40, ["--learning-rate", "2e-3", "--ema", "0.5"]))
    // Fewer classes, in another order: those of the same name keep what they were.
    for name in ["circle", "cross", "diamond", "heart", "ring"] {
      try FileManager.default.removeItem(atPath: path("shapes/\(name)"))
    }
    try FileManager.default.moveItem(atPath: path("shapes/square"), toPath: path("shapes/zebra"))
    let fine = [
      "train", path("shapes"), "--classes", "folders", "--init-from", path("base"), "--output", path("fine"),
      "--steps", "1", "--batch-size", "2", "--warmup", "5", "--preview-every", "0", "--ema", "0",
    ]
    let result = try assertRuns(fine)
    XCTAssertTrue(result.errors.contains("which knows 2 of the 3 classes"), result.errors)
    // The first update has a rate of 0: the weights are still those of the base.
    let weights = "unet/diffusion_pytorch_model.safetensors"
    let (base, own) = try (
      SafetensorsFile(folder.appending(path: "base/\(weights)")),
      SafetensorsFile(folder.appending(path: "fine/\(weights)"))
    )
    for key in own.entries.keys where key != "class_embedding.weight" {
      XCTAssertEqual(try own.tensor(key).values, try base.tensor(key).values, key)
    }
    let width = 16
    let (before, after) = try (
      base.tensor("class_embedding.weight").values, own.tensor("class_embedding.weight").values
    )
    // star was 6 of 8 and is 0 of 3; none was 8 and is 3.
    for (from, to) in [(6, 0), (8, 3)] {
      XCTAssertEqual(
        Array(after[to * width..<(to + 1) * width]), Array(before[from * width..<(from + 1) * width]))
    }
    try assertRefused(fine + ["--preset", "tiny-32"], "--init-from says which network it is")
    try assertRefused(
      ["train", path("shapes"), "--init-from", path("base"), "--output", path("x")], "add --classes folders")
  }

  // MARK: Numbers

  func testAbsurdNumbersAreRefusedByName() throws {
    for (more, words) in [
      (["--clip-gradient", "inf"], "--clip-gradient"), (["--clip-gradient", "nan"], "--clip-gradient"),
      (["--lr", "nan"], "--learning-rate"), (["--weight-decay", "inf"], "--weight-decay"),
      (["--ema", "nan"], "--ema"), (["--label-dropout", "nan"], "--label-dropout"),
      (["--held-out", "nan"], "--held-out"), (["--warmup", "9223372036854775807"], "--warmup"),
      (["--offset-noise", "nan"], "--offset-noise"), (["--epochs", "2"], "exclude each other"),
      (["--loss", "huber", "--huber-constant", "nan"], "--huber-constant"), (["--seed", "-2"], "--seed"),
    ] { try assertRefused(arguments("run", more), words) }
    XCTAssertFalse(exists("run"))
    for (more, words) in [
      (["--kl-weight", "nan"], "--kl-weight"), (["--discriminator-weight", "inf"], "--discriminator-weight"),
    ] { try assertRefused(vaeArguments("run", more), words) }
    _ = try assertRuns(arguments("run", steps: 1))
    try assertRefused(
      ["evaluate", "likelihood", path("run"), path("shapes"), "--timesteps-every", "9223372036854775807"],
      "--timesteps-every must be from 1 to 1000000")
  }

  func testEpochsAndADrawnSeed() throws {
    // 23 of 24 pictures are learned, 4 at a time.
    let result = try assertRuns(arguments("run", steps: 0, ["--num_train_epochs", "2", "--seed", "-1"]))
    XCTAssertEqual(try stepsTaken("run"), 12)
    XCTAssertTrue(result.errors.contains("seed "), result.errors)
    _ = try assertRuns(["resume", path("run")])
  }

  // MARK: What is written

  func testCheckpointsAreKeptNumbered() throws {
    _ = try assertRuns(arguments("run", steps: 20, ["--keep-checkpoints", "2"]))
    let remaining = try FileManager.default.contentsOfDirectory(atPath: path("run/checkpoints")).sorted()
    XCTAssertEqual(remaining, ["step-000015", "step-000020"])
    let models = try remaining.map { try ModelFolder(folder.appending(path: "run/checkpoints/\($0)")) }
    XCTAssertEqual(models.map(\.notes.trainedSteps), [15, 20])
    let weights = "unet/diffusion_pytorch_model.safetensors"
    XCTAssertEqual(try bytes("run/\(weights)"), try bytes("run/checkpoints/step-000020/\(weights)"))
    XCTAssertNotEqual(try bytes("run/\(weights)"), try bytes("run/checkpoints/step-000015/\(weights)"))
  }

  func testTheReportStandsByItself() throws {
    _ = try assertRuns(
      arguments("run", steps: 20, ["--preview-every", "10", "--validate-every", "5", "--held-out", "0.2"]))
    let html = String(decoding: try bytes("run/report.html"), as: UTF8.self)
    for words in [
      "Finished.", "Step 20 of 20", "validation loss", "<svg", "Training loss", "Learning rate",
      "data:image/png;base64,", "step 10", "--batch-size",
      "the schedule&#39;s".replacingOccurrences(of: "&#39;", with: "'"),
      "darkroom train",
    ] { XCTAssertTrue(html.contains(words), words) }
    XCTAssertFalse(html.contains("http-equiv"), "a run that has ended does not reload")
    XCTAssertNil(
      html.range(of: #"(src|href)="(?!data:)"#, options: .regularExpression), "nothing from elsewhere")
    // A column for each of the eight classes, and each of the 8×8 pixels as 8×8, with 2 around.
    let preview = try DecodedPicture(contentsOf: folder.appending(path: "run/previews/step-000020.png"))
      .picture
    XCTAssertEqual([preview.width, preview.height], [8 * 66 + 2, 2 * 66 + 2])
    let lines = String(decoding: try bytes("run/metrics.jsonl"), as: UTF8.self).split(separator: "\n")
    XCTAssertEqual(lines.filter { $0.contains("validation_loss") }.count, 4)
  }

  // MARK: Autoencoders

  func testAnAutoencoderOfFewPicturesSaysWhatItIsMeasuredBy() throws {
    for (name, keep) in [("few", 3), ("some", 17)] {
      var left = keep
      let data = folder.appending(path: "data-\(name)")
      try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
      for item in try ImageFolder(folder.appending(path: "shapes")).items where left > 0 {
        left -= 1
        try FileManager.default.copyItem(at: item.url, to: data.appending(path: "\(left).png"))
      }
      var arguments = vaeArguments(name)
      arguments[2] = data.path
      let result = try assertRuns(arguments)
      let words = "\(min(keep, 16)) pictures that it learns from, none being held out"
      XCTAssertTrue(result.errors.contains("measured by \(words)"), result.errors)
      XCTAssertTrue(result.errors.contains("nats a picture, over \(words)"), result.errors)
      XCTAssertTrue(exists("\(name)/previews/step-000012.png"))
      _ = try assertRuns(arguments + ["--resume"])
    }
  }

  /// A kill between a state and its preview; and progress is said where there is no terminal.
  func testAResumedAutoencoderMakesThePreviewThatTheKillFellInto() throws {
    let result = try assertRuns(vaeArguments("vae"))
    XCTAssertTrue(result.errors.contains("step 1/12  loss"), result.errors)
    let preview = try bytes("vae/previews/step-000012.png")
    try FileManager.default.removeItem(atPath: path("vae/previews/step-000012.png"))
    _ = try assertRuns(vaeArguments("vae", ["--resume"]))
    XCTAssertEqual(try bytes("vae/previews/step-000012.png"), preview)
  }
}
