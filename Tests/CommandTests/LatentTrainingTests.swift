import Foundation
import NN
import Pictures
import Pipelines
import TestSupport
import Training
import XCTest

/// `darkroom train vae`, and `darkroom train --vae` on what it leaves.
final class LatentTrainingTests: XCTestCase {
  private var folder = URL(fileURLWithPath: "/")

  override func setUpWithError() throws {
    folder = try temporaryFolder(for: self)
    try ShapesDataset(count: 32, size: 16, seed: 2).write(to: folder.appending(path: "shapes"))
    let json = """
      {"block_out_channels": [8, 16], "layers_per_block": 1, "norm_num_groups": 4, "sample_size": 16,
       "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D"],
       "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D"]}
      """
    try Data(json.utf8).write(to: folder.appending(path: "vae.json"))
  }

  private func path(_ name: String) -> String { folder.appending(path: name).path }

  private func train(_ arguments: [String]) throws -> Command.Result {
    try Command.run("train", arguments + ["--threads", "2"])
  }

  private func trainVAE(_ name: String, _ more: [String] = []) throws -> Command.Result {
    try train(
      [
        "vae", path("shapes"), "--classes", "folders", "--config", path("vae.json"), "--output", path(name),
        "--steps",
        "24", "--batch-size", "4", "--warmup", "2", "--preview-every", "12",
      ] + more)
  }

  private func losses(_ run: String) throws -> [Double] {
    struct Line: Decodable { let loss: Double }
    return try String(contentsOf: folder.appending(path: "\(run)/metrics.jsonl"), encoding: .utf8).split(
      separator: "\n"
    )
    .map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)).loss }
  }

  func testAnAutoencoderLearnsAndIsMeasured() throws {
    let result = try trainVAE("vae")
    XCTAssertEqual(result.code, 0, result.errors)
    let losses = try losses("vae")
    XCTAssertEqual(losses.count, 24)
    XCTAssertLessThan(losses.suffix(6).reduce(0, +), 0.95 * losses.prefix(6).reduce(0, +))
    let quality = try JSONDecoder().decode(
      ReconstructionQuality.self, from: Data(contentsOf: folder.appending(path: "vae/quality.json")))
    XCTAssertGreaterThan(quality.psnr, 8)
    XCTAssertTrue((0...1).contains(quality.ssim), "\(quality.ssim)")
    let opened = try VAEFolder(folder.appending(path: "vae"))
    XCTAssertNotEqual(opened.config.scalingFactor, 0.18215)
    for file in ["loss.svg", "previews/step-000012.png", "previews/step-000024.png"] {
      XCTAssertTrue(FileManager.default.fileExists(atPath: path("vae/\(file)")), file)
    }
    // The same seed, the same bytes; and nothing is overwritten.
    XCTAssertEqual(try trainVAE("again").code, 0)
    let weights = "diffusion_pytorch_model.safetensors"
    XCTAssertEqual(
      try Data(contentsOf: folder.appending(path: "vae/\(weights)")),
      try Data(contentsOf: folder.appending(path: "again/\(weights)")))
    XCTAssertTrue(try trainVAE("vae").errors.contains("holds a run already; add --resume"))
  }

  /// An autoencoder, this program's or that of a pipeline, is trained further.
  func testFineTuningBeginsWithTheAutoencoder() throws {
    XCTAssertEqual(try trainVAE("base").code, 0)
    let fine = [
      "vae", path("shapes"), "--init-from", path("base"), "--output", path("fine"), "--steps", "6",
      "--batch-size", "4", "--warmup", "50", "--preview-every", "0", "--checkpoint-every", "1",
      "--keep-checkpoints", "6",
    ]
    let result = try train(fine)
    XCTAssertEqual(result.code, 0, result.errors)
    XCTAssertTrue(result.errors.contains("beginning with \(path("base"))"), result.errors)
    // The first update has a rate of 0, so that its checkpoint is the base.
    let weights = "diffusion_pytorch_model.safetensors"
    func tensors(_ name: String) throws -> SafetensorsFile {
      try SafetensorsFile(folder.appending(path: "\(name)/\(weights)"))
    }
    let (base, first, last) = try (tensors("base"), tensors("fine/checkpoints/step-000001"), tensors("fine"))
    for key in base.entries.keys {
      XCTAssertEqual(try first.tensor(key).values, try base.tensor(key).values, key)
    }
    XCTAssertNotEqual(
      try last.tensor("decoder.conv_out.weight").values, try base.tensor("decoder.conv_out.weight").values)
    XCTAssertEqual(try train(fine + ["--resume"]).code, 0)
    let other = try train(
      Array(fine.prefix(2)) + ["--config", path("vae.json")] + fine.dropFirst(4) + ["--resume"])
    XCTAssertTrue(other.errors.contains("fine was begun with --init-from with the hash"), other.errors)

    let pipeline = Fixtures.url("pipelines/ldm").path
    let ofPipeline = try train(
      [
        "vae", path("shapes"), "--init-from", pipeline, "--resolution", "16", "--output", path("ldm"),
        "--steps", "1", "--batch-size", "2", "--preview-every", "0",
      ])
    XCTAssertEqual(ofPipeline.code, 0, ofPipeline.errors)
    XCTAssertEqual(
      try VAEFolder(folder.appending(path: "ldm")).config.latentChannels,
      try VAEFolder(URL(fileURLWithPath: pipeline)).config.latentChannels)
    let none = try train(["vae", path("shapes"), "--init-from", path("shapes"), "--output", path("x")])
    XCTAssertTrue(none.errors.contains("holds no autoencoder"), none.errors)
  }

  /// A run that was killed between its state and its model is a run all the same, and a model without a run is not one to
  /// be written over, resumed or not.
  func testNothingIsOverwritten() throws {
    XCTAssertEqual(try trainVAE("vae").code, 0)
    let (state, config) = (path("vae/training/state.safetensors"), path("vae/config.json"))
    let before = try Data(contentsOf: URL(fileURLWithPath: state))
    let model = try Data(contentsOf: URL(fileURLWithPath: config))
    try FileManager.default.removeItem(atPath: config)
    let again = try trainVAE("vae")
    XCTAssertEqual(again.code, 1)
    XCTAssertTrue(again.errors.contains("holds a run already; add --resume"), again.errors)
    XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: state)), before)
    XCTAssertTrue(try trainVAE("vae", ["--resume"]).errors.contains("resuming"))
    XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: config)), model, "the model, written again")

    try FileManager.default.removeItem(atPath: state)
    for more in [[], ["--resume"]] {
      let refused = try trainVAE("vae", more)
      XCTAssertEqual(refused.code, 1)
      XCTAssertTrue(refused.errors.contains("holds a model already"), refused.errors)
    }
  }

  /// Killed at a moment that no one chose, after the discriminator has begun, and resumed, a run ends in the bytes of one
  /// never killed.
  func testAKilledRunGoesOn() throws {
    let more = ["--steps", "120", "--preview-every", "15", "--discriminator-start", "3", "--resume"]
    XCTAssertEqual(try trainVAE("whole", more).code, 0)
    let killed = path("killed")
    let process = try Command.start(
      [
        "train", "vae", path("shapes"), "--classes", "folders", "--config", path("vae.json"), "--output",
        killed,
      ]
        + ["--batch-size", "4", "--warmup", "2", "--threads", "2"] + more)
    let state = killed + "/training/state.safetensors"
    for _ in 0..<2000 where !FileManager.default.fileExists(atPath: state) { usleep(10_000) }
    usleep(UInt32.random(in: 0..<200_000))
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    XCTAssertEqual(process.terminationReason, .uncaughtSignal, "it ended before it was killed")
    XCTAssertTrue(
      try trainVAE("killed", more + ["--kl-weight", "1"]).errors.contains("was begun with --kl-weight"))
    let resumed = try trainVAE("killed", more)
    XCTAssertEqual(resumed.code, 0, resumed.errors)
    XCTAssertTrue(resumed.errors.contains("resuming"), resumed.errors)
    for file in ["diffusion_pytorch_model.safetensors", "metrics.jsonl", "training/state.safetensors"] {
      XCTAssertEqual(
        try Data(contentsOf: URL(fileURLWithPath: path("whole/\(file)"))),
        try Data(contentsOf: URL(fileURLWithPath: killed + "/\(file)")), file)
    }
  }

  func testADiscriminatorTakesPart() throws {
    let result = try trainVAE("vae", ["--discriminator-start", "6"])
    XCTAssertEqual(result.code, 0, result.errors)
    XCTAssertEqual(try losses("vae").filter(\.isFinite).count, 24)
  }

  func testAPerceptualTermTakesPart() throws {
    let weights = Fixtures.url("lpips/weights.safetensors").path
    XCTAssertTrue(try trainVAE("plain").errors.contains("no perceptual term"))
    let result = try trainVAE("vae", ["--perceptual-weights", weights])
    XCTAssertEqual(result.code, 0, result.errors)
    XCTAssertFalse(result.errors.contains("no perceptual term"))
    let (with, without) = (try losses("vae"), try losses("plain"))
    XCTAssertGreaterThan(with[0], without[0])
    XCTAssertLessThan(with.suffix(4).reduce(0, +), with.prefix(4).reduce(0, +))
    let refused = try trainVAE("other", ["--perceptual-weights", path("shapes")])
    XCTAssertNotEqual(refused.code, 0)
    XCTAssertTrue(refused.errors.contains("shapes"), refused.errors)
  }

  func testLatentsAreLearnedAndDecoded() throws {
    XCTAssertEqual(try trainVAE("vae").code, 0)
    XCTAssertEqual(try trainVAE("other", ["--seed", "1"]).code, 0)
    let denoiser = [
      path("shapes"), "--classes", "folders", "--model", "dit", "--preset", "dit-tiny-2", "--steps", "4",
      "--batch-size",
      "4", "--preview-every", "4", "--flip", "--resolution", "16", "--output", path("run"),
    ]
    let result = try train(denoiser + ["--vae", path("vae")])
    XCTAssertEqual(result.code, 0, result.errors)
    let model = try ModelFolder(folder.appending(path: "run"))
    XCTAssertEqual(model.config.nativeSize.map { [$0.height, $0.width] }, [8, 8])
    XCTAssertEqual(model.vae?.config.latentChannels, 4)
    XCTAssertFalse(try model.scheduler.clipSample, "latents are not bounded by ±1")
    let sampled = try Command.run(
      "sample",
      [path("run"), "--steps", "3", "--class", "star", "--guidance-scale", "3", "--output", path("o.png")])
    XCTAssertEqual(sampled.code, 0, sampled.errors)
    XCTAssertEqual(try DecodedPicture(contentsOf: folder.appending(path: "o.png")).picture.width, 16)

    // A resumed run keeps its VAE; a cache of another one is refused by name.
    let resumed = try train(denoiser + ["--vae", path("other"), "--resume"])
    XCTAssertTrue(resumed.errors.contains("was begun with --vae"), resumed.errors)
    let caches = try FileManager.default.contentsOfDirectory(atPath: path("run/training")).filter {
      $0.hasPrefix("latents-")
    }
    XCTAssertEqual(caches.count, 1)
    let hash = try VAEFolder(folder.appending(path: "other")).hash()
    try FileManager.default.createDirectory(
      at: folder.appending(path: "new/training"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: path("run/training/\(caches[0])"),
      toPath: path("new/training/latents-\(hash.prefix(12)).safetensors"))
    let strange = try train(denoiser.dropLast() + [path("new"), "--vae", path("other")])
    XCTAssertNotEqual(strange.code, 0)
    XCTAssertTrue(strange.errors.contains("holds latents of another VAE"), strange.errors)
  }

  /// A schedule that clips at the range of pictures, which latents leave, clips no more; one with a larger range does.
  func testClippingIsKeptWhereItsRangeIsLarger() throws {
    XCTAssertEqual(try trainVAE("vae").code, 0)
    for (range, isKept) in [("0.5", false), ("1", false), ("4", true)] {
      let schedule = folder.appending(path: "schedule.json")
      let json = """
        {"_class_name": "DDPMScheduler", "clip_sample": true, "clip_sample_range": \(range)}
        """
      try Data(json.utf8).write(to: schedule)
      let result = try train([
        path("shapes"), "--preset", "dit-tiny-2", "--resolution", "16", "--steps", "1", "--batch-size", "1",
        "--preview-every", "0", "--schedule", schedule.path, "--vae", path("vae"), "--output", path(range),
      ])
      XCTAssertEqual(result.code, 0, result.errors)
      let scheduler = try ModelFolder(folder.appending(path: range)).scheduler
      XCTAssertEqual(scheduler.clipSample, isKept, range)
      XCTAssertEqual("\(scheduler.clipSampleRange)", "\(Float(range) ?? 0)")
    }
  }

  func testWhatDoesNotFitIsRefused() throws {
    XCTAssertEqual(try trainVAE("vae").code, 0)
    for (arguments, expected) in [
      (["--vae", path("shapes")], "holds no autoencoder"),
      (["--vae", path("vae"), "--crop", "random"], "--crop random does not go with --vae"),
      (["--vae", path("vae"), "--resolution", "18", "--model", "dit"], "multiple of 8"),
      (["--preset", "dit-huge-2"], "--preset dit-huge-2 is not known"),
      (["--preset", "tiny-32", "--model", "dit"], "of different families"),
    ] {
      let result = try train([path("shapes"), "--output", path("run")] + arguments)
      XCTAssertNotEqual(result.code, 0, "\(arguments)")
      XCTAssertTrue(result.errors.contains(expected), "\(expected): \(result.errors)")
    }
    let narrow = try train([
      "vae", path("shapes"), "--config", path("vae.json"), "--resolution", "15", "--output", path("x"),
    ])
    XCTAssertTrue(narrow.errors.contains("multiple of 2"), narrow.errors)
    // Asked of both kinds of training in the same words.
    for kind in ["denoiser", "vae"] {
      for (option, expected) in [
        ("--steps=0", "--steps must be from 1"),
        ("--batch-size=65537", "--batch-size must be from 1 to 65536"),
        ("--learning-rate=inf", "--learning-rate must be more than 0"),
        ("--warmup=-1", "--warmup must not be negative"),
      ] {
        let result = try train([kind, path("shapes"), "--output", path("x"), option])
        XCTAssertNotEqual(result.code, 0, option)
        XCTAssertTrue(result.errors.contains(expected), "\(kind): \(result.errors)")
      }
    }
  }
}
