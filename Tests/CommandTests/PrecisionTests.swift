import Foundation
import NN
import Pictures
import TensorCore
import TestSupport
import Training
import XCTest

/// `--precision bf16` from the command line: how far pictures and training are from f32's, that every processor gives the same
/// bytes, and that recipes and runs remember it.
final class PrecisionTests: XCTestCase {
  private var folder = URL(fileURLWithPath: "/")

  override func setUpWithError() throws { folder = try temporaryFolder(for: self) }

  private func path(_ name: String) -> String { folder.appending(path: name).path }

  @discardableResult
  private func run(_ arguments: [String], on processor: String? = nil) throws -> Command.Result {
    let result = try Command.run(
      arguments[0], Array(arguments.dropFirst()),
      environment: processor.map { ["DARKROOM_PROCESSOR": $0] } ?? [:])
    XCTAssertEqual(result.code, 0, result.errors)
    return result
  }

  /// 40 dB: a pixel is off by some 1 % of what there is between black and white.
  func testPicturesAreCloseToThoseOfF32() throws {
    for model in ["pipelines/ddim", "pipelines/dit", "pipelines/ldm"] {
      func sampled(_ precision: String) throws -> [Float] {
        let output = path("\(UUID().uuidString).safetensors")
        try run([
          "sample", Fixtures.url(model).path, "--steps", "5", "--count", "2", "--precision", precision,
          "--output", output,
        ])
        let file = try SafetensorsFile(URL(fileURLWithPath: output))
        return try file.entries.keys.sorted().flatMap { try file.tensor($0).values }
      }
      let (full, short) = (try sampled("f32"), try sampled("bf16"))
      XCTAssertNotEqual(full, short, "\(model): bf16 was not used")
      let square = zip(full, short).reduce(0.0) { $0 + pow(Double($1.0 - $1.1), 2) } / Double(full.count)
      // Values are from −1 to 1.
      XCTAssertGreaterThan(10 * log10(4 / square), 40, "\(model): PSNR")
    }
  }

  func testARecipeRemembersAndReplayTakesIt() throws {
    let picture = path("a.png")
    try run([
      "sample", Fixtures.url("pipelines/ddim").path, "--steps", "3", "--precision", "bf16", "--output",
      picture,
    ])
    let texts = try DecodedPicture(contentsOf: URL(fileURLWithPath: picture)).texts
    XCTAssertEqual(try Recipe.find(in: texts, file: picture)?.precision, "bf16")
    XCTAssertEqual(try run(["replay", picture]).output, "\(picture): identical\n")
    XCTAssert(try run(["info", picture]).output.contains("bf16"))
  }

  /// Eight and sixteen channels of two resolutions with attention, which take milliseconds a step, also in plain C.
  private func training(_ output: String, _ more: [String]) throws -> [String] {
    let pictures = path("shapes")
    if !FileManager.default.fileExists(atPath: pictures) {
      try ShapesDataset(count: 24, size: 16, seed: 2).write(to: folder.appending(path: "shapes"))
      let json = """
        {"sample_size": 8, "block_out_channels": [8, 16], "layers_per_block": 1, "norm_num_groups": 4,
         "down_block_types": ["DownBlock2D", "AttnDownBlock2D"], "up_block_types": ["AttnUpBlock2D", "UpBlock2D"],
         "attention_head_dim": 8, "time_embedding_dim": 16}
        """
      try Data(json.utf8).write(to: folder.appending(path: "config.json"))
    }
    return [
      "train", pictures, "--config", path("config.json"), "--output", path(output), "--resolution", "8",
      "--batch-size", "4",
      "--warmup", "2", "--preview-every", "0",
    ] + more
  }

  private func weights(_ run: String) throws -> Data {
    try Data(contentsOf: folder.appending(path: "\(run)/unet/diffusion_pytorch_model.safetensors"))
  }

  /// The mean of the last quarter of the losses.
  private func loss(_ run: String) throws -> Double {
    let lines = try String(contentsOf: folder.appending(path: "\(run)/metrics.jsonl"), encoding: .utf8)
    let losses = lines.matches(of: /"loss":([0-9.e+-]+)/).compactMap { Double($0.output.1) }
    XCTAssertFalse(losses.isEmpty, lines)
    let last = losses.suffix(losses.count / 4)
    return last.reduce(0, +) / Double(last.count)
  }

  func testTrainingReachesTheSameLoss() throws {
    for precision in ["f32", "bf16"] {
      try run(
        training(
          precision, ["--steps", "120", "--learning-rate", "2e-3", "--precision", precision, "--quiet"]))
    }
    let (full, short) = (try loss("f32"), try loss("bf16"))
    XCTAssertNotEqual(full, short, "bf16 was not used")
    XCTAssertEqual(short, full, accuracy: 0.02 * full)
  }

  func testARunGoesOnWithItsOwn() throws {
    try run(training("whole", ["--steps", "8", "--precision", "bf16"]))
    try run(training("parts", ["--steps", "8", "--precision", "bf16", "--checkpoint-every", "4"]))
    XCTAssertEqual(try weights("whole"), try weights("parts"))
    let goesOn = try training("whole", ["--steps", "8", "--resume", "--extend-to", "12"])
    try run(goesOn)
    XCTAssertEqual(try run(["info", path("whole")]).code, 0)
    let state = try TrainingState(contentsOf: TrainingState.url(in: folder.appending(path: "whole")))
    XCTAssertEqual(state.options.precision, .bf16)
    let refused = try Command.run(
      "train", Array(goesOn.dropFirst()) + ["--precision", "f32"])
    XCTAssertEqual(refused.code, 1)
    XCTAssert(refused.errors.contains("--precision"), refused.errors)
  }

  /// Weights after 50 steps are the same file on every processor of one arithmetic with any number of threads.
  func testFiftyStepsAreTheSameBytesEverywhere() throws {
    for precision in ["f32", "bf16"] {
      func trained(_ processor: String, _ threads: Int) throws -> Data {
        let name = "\(precision)-\(processor)-\(threads)"
        try run(
          training(name, ["--steps", "50", "--precision", precision, "--threads", "\(threads)", "--quiet"]),
          on: processor)
        return try weights(name)
      }
      for arithmetic in Processor.Arithmetic.allCases {
        let processors = Processor.available.filter { $0.arithmetic == arithmetic }
        guard let fastest = processors.last else { continue }
        let expected = try trained(fastest.rawValue, 1)
        for threads in [2, 7] {
          XCTAssertEqual(try trained(fastest.rawValue, threads), expected, "\(threads) threads")
        }
        for processor in processors.dropLast() {
          XCTAssertEqual(try trained(processor.rawValue, 2), expected, "\(processor), \(precision)")
        }
      }
    }
  }
}
