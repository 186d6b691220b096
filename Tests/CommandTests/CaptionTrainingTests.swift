import Foundation
import NN
import Pipelines
import TestSupport
import Training
import XCTest

/// `darkroom train --captions`: what it leaves, that it goes on in the same bytes, and what it refuses.
final class CaptionTrainingTests: XCTestCase {
  private var folder = URL(fileURLWithPath: "/")

  override func setUpWithError() throws {
    folder = try temporaryFolder(for: self)
    try ShapesDataset(count: 24, size: 16, seed: 2).write(to: url("shapes"))
    let json = """
      {"_class_name": "UNet2DConditionModel", "sample_size": 16, "in_channels": 3, "out_channels": 3,
       "block_out_channels": [8, 16], "layers_per_block": 1, "norm_num_groups": 4, "cross_attention_dim": 16,
       "attention_head_dim": 2, "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
       "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"]}
      """
    try Data(json.utf8).write(to: url("config.json"))
  }

  private func url(_ name: String) -> URL { folder.appending(path: name) }

  private func arguments(_ output: String, steps: Int = 6, _ more: [String] = []) -> [String] {
    [
      "train", url("shapes").path, "--output", url(output).path, "--steps", "\(steps)", "--batch-size", "4",
      "--warmup", "1", "--learning-rate", "1e-2", "--preview-every", "0", "--threads", "2",
    ] + more
  }

  private func fresh(_ output: String, steps: Int = 6, _ more: [String] = []) -> [String] {
    arguments(output, steps: steps, ["--captions", "metadata", "--config", url("config.json").path] + more)
  }

  @discardableResult
  private func run(_ arguments: [String], code: Int32 = 0) throws -> Command.Result {
    let result = try Command.run(arguments[0], Array(arguments.dropFirst()))
    XCTAssertEqual(result.code, code, result.errors)
    return result
  }

  private func bytes(_ file: String) throws -> Data { try Data(contentsOf: url(file)) }

  private let (encoder, network) = (
    "text_encoder/model.safetensors", "unet/diffusion_pytorch_model.safetensors"
  )

  func testARunIsAModelThatReadsPrompts() throws {
    try run(fresh("run", ["--preview-every", "3"]))
    for file in [network, encoder, "tokenizer/merges.txt", "previews/step-000003.png"] {
      XCTAssertTrue(FileManager.default.fileExists(atPath: url("run/\(file)").path), file)
    }
    let index = String(decoding: try bytes("run/model_index.json"), as: UTF8.self)
    XCTAssertTrue(index.contains("StableDiffusionPipeline"), index)
    // diffusers' pipeline of texts takes the one for false and the other for 1, whatever is written.
    let scheduler = try ModelFolder(url("run")).scheduler
    XCTAssertFalse(scheduler.clipSample)
    XCTAssertEqual(scheduler.stepsOffset, 1)
    let info = try run(["info", url("run").path])
    XCTAssertTrue(info.output.contains("CLIPTextModel"), info.output)
    let printed = try run(["prompt", "show", url("run").path, "a red star"])
    XCTAssertTrue(
      printed.output.contains("of 14 tokens") && printed.output.contains("red</w>"), printed.output)
    var floats: [[Float]] = []
    for prompt in ["a red star on a blue background", "a green ring on a white background"] {
      try run([
        "sample", url("run").path, "--prompt", prompt, "--steps", "3", "--output", url("o.safetensors").path,
      ])
      floats.append(try SafetensorsFile(url("o.safetensors")).tensor("images").values)
    }
    XCTAssertNotEqual(floats[0], floats[1])
  }

  /// The averages cover the encoder too, and what is not told is not learned: hidden captions alone leave words as they were.
  func testTheEncoderLearns() throws {
    func embeddings(_ run: String) throws -> [Float] {
      try SafetensorsFile(url("\(run)/\(encoder)")).tensor(
        "text_model.embeddings.token_embedding.weight"
      ).values
    }
    try run(fresh("long", steps: 12))
    try run(fresh("short", steps: 1))
    try run(fresh("plain", steps: 12, ["--ema", "0"]))
    XCTAssertNotEqual(try embeddings("long"), try embeddings("short"))
    XCTAssertNotEqual(try embeddings("long"), try embeddings("plain"))
  }

  func testKilledAndResumedIsUninterrupted() throws {
    let several = url("shapes/metadata.jsonl")
    let lines = try String(contentsOf: several, encoding: .utf8).split(separator: "\n").map { line in
      line.replacing("\"text\": \"", with: "\"text\": [\"x, y, z\", \"").replacing("\"}", with: "\"]}")
    }
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: several)
    let more = ["--shuffle-tags", "--checkpoint-every", "5", "--caption-dropout", "0.3"]
    try run(fresh("whole", steps: 60, more))
    let process = try Command.start(fresh("killed", steps: 60, more + ["--resume"]))
    for _ in 0..<400 where (try? bytes("killed/metrics.jsonl").isEmpty) ?? true { usleep(10_000) }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    XCTAssertEqual(process.terminationReason, .uncaughtSignal, "it was done before the kill")
    try run(fresh("killed", steps: 60, more + ["--resume"]))
    for file in [network, encoder, "tokenizer/vocab.json", "training/state.safetensors", "metrics.jsonl"] {
      XCTAssertEqual(try bytes("killed/\(file)"), try bytes("whole/\(file)"), file)
    }
  }

  func testAnotherCaptionIsAnotherRun() throws {
    try run(fresh("run"))
    let file = url("shapes/metadata.jsonl")
    let text = try String(contentsOf: file, encoding: .utf8)
    try Data(text.replacing("circle on", with: "circle upon").utf8).write(to: file)
    let changed = try run(fresh("run", ["--resume"]), code: 1)
    XCTAssertTrue(changed.errors.contains("the captions"), changed.errors)
    try Data(text.utf8).write(to: file)
    for (more, words) in [
      (["--caption-dropout", "0.2"], "--caption-dropout 0.1, not 0.2"),
      (["--shuffle-tags"], "--shuffle-tags false, not true"),
    ] {
      let refused = try run(fresh("run", ["--resume"] + more), code: 1)
      XCTAssertTrue(refused.errors.contains(words), refused.errors)
    }
    try run(fresh("run", ["--resume"]))
  }

  func testFineTuningGoesOnWithTheEncoderOrLeavesIt() throws {
    try run(fresh("base"))
    let start = ["--captions", "metadata", "--init-from", url("base").path]
    try run(arguments("kept", start + ["--freeze-text-encoder"]))
    try run(arguments("learned", start))
    for file in [encoder, "tokenizer/vocab.json", "tokenizer/merges.txt"] {
      XCTAssertEqual(try bytes("kept/\(file)"), try bytes("base/\(file)"), file)
    }
    XCTAssertEqual(try bytes("learned/tokenizer/vocab.json"), try bytes("base/tokenizer/vocab.json"))
    XCTAssertNotEqual(try bytes("learned/\(encoder)"), try bytes("base/\(encoder)"))
    XCTAssertNotEqual(try bytes("kept/\(network)"), try bytes("base/\(network)"))
    // What is learned of the frozen states is what was learned of the encoder's own: the first losses are those of one network.
    let losses = try ["kept", "learned"].map { run in
      try String(contentsOf: url("\(run)/metrics.jsonl"), encoding: .utf8).split(separator: "\n")[0]
        .firstMatch(of: /"loss":([0-9.e-]+)/)?.output.1
    }
    XCTAssertEqual(losses[0], losses[1])
    for run in ["kept", "learned"] {
      let sampled = [
        "sample", url(run).path, "--prompt", "a star", "--steps", "2", "--output", url("o.png").path,
      ]
      try self.run(sampled)
    }
  }

  func testGuidanceOfAModelThatNeverSawTheEmptyTextIsWarnedOf() throws {
    for (dropout, isWarned) in [("0", true), ("0.1", false)] {
      try run(fresh("dropout-\(dropout)", steps: 1, ["--caption-dropout", dropout]))
      let sampled = try run([
        "sample", url("dropout-\(dropout)").path, "--prompt", "a star", "--steps", "2", "--output",
        url("o.png").path,
      ])
      XCTAssertEqual(sampled.errors.contains("without caption drop-out"), isWarned, sampled.errors)
    }
  }

  func testLatentsAreLearnedOfCaptions() throws {
    let vae = Fixtures.url("pipelines/ldm").path
    try run(fresh("latent", ["--vae", vae, "--resolution", "16"]), code: 1)
    try run(
      arguments("latent", ["--captions", "any", "--preset", "text-mini", "--vae", vae, "--resolution", "16"]))
    let index = String(decoding: try bytes("latent/model_index.json"), as: UTF8.self)
    XCTAssertTrue(index.contains("\"vae\"") && index.contains("AutoencoderKL"), index)
    try run([
      "sample", url("latent").path, "--prompt", "a star", "--steps", "2", "--output", url("o.png").path,
    ])
  }

  func testPicturesWithoutCaptionsAreNamed() throws {
    let file = url("shapes/metadata.jsonl")
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    let rest = lines.filter { !$0.contains("circle/0001") && !$0.contains("star/0000") }
    try Data(rest.joined(separator: "\n").utf8).write(to: file)
    let refused = try run(fresh("run"), code: 1)
    XCTAssertTrue(
      refused.errors.contains("no caption for 2 of its 24 pictures: circle/0001.png, star/0000.png"),
      refused.errors)
    XCTAssertFalse(FileManager.default.fileExists(atPath: url("run").path))
    let left = try run(fresh("run", steps: 1, ["--skip-bad"]))
    XCTAssertTrue(left.errors.contains("left out, since 2 have no caption"), left.errors)
    let sidecar = try run(fresh("beside", ["--captions", "sidecar"]), code: 1)
    XCTAssertTrue(sidecar.errors.contains("no caption for 24 of its 24 pictures"), sidecar.errors)
  }

  func testImpossibleCommandsAreRefused() throws {
    let captions = ["--captions", "metadata"]
    for (more, words) in [
      (captions + ["--preset", "tiny-32"], "reads no texts"),
      (["--preset", "text-mini"], "add --captions"),
      (["--shuffle-tags"], "--shuffle-tags goes with --captions"),
      (captions + ["--classes", "folders"], "--captions and --classes exclude each other"),
      (captions + ["--freeze-text-encoder"], "goes with --init-from"),
      (captions + ["--preset", "sdxl"], "pooled text"),
      (captions + ["--vocabulary", "100"], "--vocabulary must be"),
    ] {
      let result = try Command.run("train", Array(arguments("run", more).dropFirst()))
      XCTAssertNotEqual(result.code, 0, words)
      XCTAssertTrue(result.errors.contains(words), "\(words): \(result.errors)")
      XCTAssertFalse(FileManager.default.fileExists(atPath: url("run").path))
    }
  }
}
