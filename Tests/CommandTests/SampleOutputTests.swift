import Foundation
import NN
import Pictures
import TensorCore
import TestSupport
import XCTest

/// What `darkroom sample` writes, where, and under which names people from other programs ask for it.
final class SampleOutputTests: XCTestCase {
  private let model = Fixtures.url("pipelines/ddim").path
  private let classes = Fixtures.url("pipelines/dit").path

  @discardableResult
  private func sample(_ arguments: [String], in folder: URL, to name: String = "o.safetensors") throws
    -> Command.Result
  {
    let result = try Command.run(
      "sample", arguments + ["--output", folder.appending(path: name).path])
    XCTAssertEqual(result.code, 0, "\(arguments): \(result.errors)")
    return result
  }

  private func images(_ arguments: [String], in folder: URL) throws -> Tensor {
    try sample(arguments, in: folder)
    return try SafetensorsFile(folder.appending(path: "o.safetensors")).tensor("images")
  }

  /// Classes cycle by the picture's number, so picture 4 alone has the class that it has among others.
  func testTheClassOfAPictureFollowsItsNumber() throws {
    let folder = try temporaryFolder(for: self)
    let options = [classes, "--steps", "2", "--class", "3", "--class", "207", "--class", "5", "--seed", "2"]
    let all = try images(options + ["--count", "6"], in: folder)
    for number in [1, 4, 5] {
      let one = try images(options + ["--first-index", "\(number)"], in: folder)
      XCTAssertEqual(one.values, all.rows(number..<number + 1).values, "picture \(number)")
    }
    try sample(options + ["--first-index", "4"], in: folder, to: "o.png")
    let texts = try DecodedPicture(contentsOf: folder.appending(path: "o.png")).texts
    let recipe = try XCTUnwrap(Recipe.find(in: texts, file: "o.png"))
    XCTAssertEqual([recipe.imageIndex, recipe.classLabel], [4, 207])
  }

  func testSeparateFilesAreNumberedByThePicture() throws {
    let folder = try temporaryFolder(for: self)
    let options = [model, "--steps", "1", "--separate", "--batch-size", "2"]
    try sample(options + ["--count", "3"], in: folder, to: "o.png")
    let first = try Data(contentsOf: folder.appending(path: "o-0001.png"))
    let result = try sample(options + ["--count", "2", "--first-index", "3"], in: folder, to: "o.png")
    XCTAssertEqual(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted(),
      (0..<5).map { "o-000\($0).png" })
    XCTAssertEqual(
      try Data(contentsOf: folder.appending(path: "o-0001.png")), first, "the batch before stands")
    XCTAssertTrue(result.errors.contains("2 pictures, seed 0, numbers 3 to 4"), result.errors)
    let texts = try DecodedPicture(contentsOf: folder.appending(path: "o-0004.png")).texts
    XCTAssertEqual(try Recipe.find(in: texts, file: "")?.imageIndex, 4)
  }

  /// A grid and a tensor are the same in batches of any size.
  func testBatchesChangeNothing() throws {
    let folder = try temporaryFolder(for: self)
    for name in ["a.png", "a.safetensors"] {
      let options = [model, "--steps", "2", "--count", "5", "--seed", "4"]
      try sample(options + ["--batch-size", "5"], in: folder, to: name)
      let whole = try pixels(folder.appending(path: name))
      try sample(options + ["--batch-size", "2"], in: folder, to: name)
      XCTAssertEqual(try pixels(folder.appending(path: name)), whole, name)
    }
  }

  private func pixels(_ url: URL) throws -> [Float] {
    url.pathExtension == "png"
      ? try DecodedPicture(contentsOf: url).picture.planarFloats()
      : try SafetensorsFile(url).tensor("images").values
  }

  /// Each file is written as it is done, how far the run is stands in a log every few seconds, and an interruption ends
  /// between two files.
  func testAnInterruptionKeepsWhatIsDone() throws {
    let folder = try temporaryFolder(for: self)
    let log = try temporaryFolder(for: self).appending(path: "log")
    XCTAssertTrue(FileManager.default.createFile(atPath: log.path, contents: nil))
    let process = try Command.start(
      [
        "sample", model, "--steps", "500", "--count", "2000", "--batch-size", "1", "--separate", "--output",
        folder.appending(path: "o.png").path,
      ], errors: FileHandle(forWritingTo: log))
    func files() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.path) }
    func lines() throws -> [Substring] { try String(contentsOf: log, encoding: .utf8).split(separator: "\n") }
    let limit = Date(timeIntervalSinceNow: 120)
    while try files().count < 2 || lines().isEmpty, process.isRunning, Date() < limit { usleep(20_000) }
    process.interrupt()
    process.waitUntilExit()
    XCTAssertEqual(process.terminationStatus, 130)
    XCTAssertGreaterThanOrEqual(try files().count, 2)
    for file in try files() {
      XCTAssertFalse(file.hasSuffix(".partial"), file)
      XCTAssertNoThrow(try DecodedPicture(contentsOf: folder.appending(path: file)), file)
    }
    let progress = try XCTUnwrap(lines().first)
    XCTAssertNotNil(
      progress.firstMatch(of: /^pictures \d+ to \d+ of 2000, step \d+\/500, .* left$/), "\(progress)")
    let end = try XCTUnwrap(lines().last { $0.contains("written") })
    XCTAssertTrue(end.hasPrefix("stopped; "), "\(end)")
    let logged = try XCTUnwrap(lines().first { $0.contains("ending after this step") })
    XCTAssertTrue(logged.contains("files that are written stay"), "\(logged)")
    XCTAssertFalse(logged.contains("checkpoint"), "sampling has none")
  }

  /// A grid that no file can hold is refused before a minute is spent on its pictures.
  func testGridsThatCannotBeAreRefusedFirst() throws {
    let folder = try temporaryFolder(for: self)
    let result = try Command.run(
      "sample",
      [
        model, "--count", "100000", "--padding", "4096", "--steps", "1000", "--output",
        folder.path + "/o.png",
      ])
    XCTAssertEqual(result.code, 1)
    XCTAssertTrue(result.errors.contains("a grid of 100000 pictures cannot be"), result.errors)
    XCTAssertTrue(result.errors.contains("--separate writes a file a picture"), result.errors)
  }

  func testOtherProgramsHabits() throws {
    let folder = try temporaryFolder(for: self)
    let own = try images(
      [model, "--count", "2", "--steps", "3", "--size", "16x8", "--seed", "0"], in: folder)
    let other = try images(
      [model, "-n", "2", "--num-inference-steps", "3", "--width", "16", "--height", "8"], in: folder)
    XCTAssertEqual(other.values, own.values)
    let guided = [classes, "--steps", "2", "--class", "3"]
    XCTAssertEqual(
      try images(guided + ["--cfg-scale", "3"], in: folder).values,
      try images(guided + ["--guidance-scale", "3"], in: folder).values)
  }

  /// A drawn seed is told, and stands in the recipe and its command, so that the picture can be made again.
  func testADrawnSeedIsTold() throws {
    let folder = try temporaryFolder(for: self)
    for word in ["random", "-1"] {
      let result = try sample([model, "--steps", "1", "--seed", word], in: folder, to: "o.png")
      let seed = try XCTUnwrap(result.errors.firstMatch(of: /seed (\d+)/)?.output.1)
      let picture = try DecodedPicture(contentsOf: folder.appending(path: "o.png"))
      let recipe = try XCTUnwrap(Recipe.find(in: picture.texts, file: ""))
      XCTAssertEqual("\(recipe.seed)", String(seed))
      XCTAssertTrue(recipe.commandLine?.contains("--seed \(seed)") ?? false, recipe.commandLine ?? "")
      try sample([model, "--steps", "1", "--seed", String(seed)], in: folder, to: "again.png")
      XCTAssertEqual(
        try pixels(folder.appending(path: "again.png")), picture.picture.planarFloats(), "the same picture")
    }
  }

  func testSamplersByOtherProgramsNames() throws {
    let folder = try temporaryFolder(for: self)
    func made(_ sampler: String) throws -> [Float] {
      try images([model, "--steps", "4", "--sampler", sampler], in: folder).values
    }
    for (own, others) in [
      (
        "euler-a",
        ["euler_a", "Euler a", "k_euler_a", "sample_euler_ancestral", "EulerAncestralDiscreteScheduler"]
      ),
      ("dpmpp-2m-karras", ["DPM++ 2M Karras", "dpmpp_2m_karras"]),
      ("dpmpp-2m", ["DPM++ 2M", "sample_dpmpp_2m", "DPMSolverMultistepScheduler"]),
      ("heun", ["Heun", "HeunDiscreteScheduler"]), ("dpm2-a", ["DPM2 a", "dpm_2_ancestral"]),
      ("unipc", ["UniPC", "uni_pc"]), ("plms", ["PLMS"]),
    ] {
      let expected = try made(own)
      for other in others { XCTAssertEqual(try made(other), expected, other) }
    }
    XCTAssertNotEqual(try made("LMS Karras"), try made("LMS"))
  }

  func testALinkIsFollowed() throws {
    let folder = try temporaryFolder(for: self)
    let link = folder.appending(path: "link.png")
    try FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: "real.png")
    for _ in 0..<2 {
      try sample([model, "--steps", "1"], in: folder, to: "link.png")
      XCTAssertEqual(try FileManager.default.destinationOfSymbolicLink(atPath: link.path), "real.png")
      XCTAssertNoThrow(try DecodedPicture(contentsOf: folder.appending(path: "real.png")))
    }
    // One that leads nowhere is found out before there is a picture.
    let lost = folder.appending(path: "lost.png")
    try FileManager.default.createSymbolicLink(atPath: lost.path, withDestinationPath: "none/real.png")
    let result = try Command.run("sample", model, "--output", lost.path)
    XCTAssertEqual(result.code, 1)
    XCTAssertTrue(result.errors.contains("/none does not exist; make it first."), result.errors)
  }

  /// Numbers that ran away are named, and not drawn black.
  func testPicturesThatAreNotNumbersAreNotDrawn() throws {
    let folder = try temporaryFolder(for: self)
    let latents = folder.appending(path: "z.safetensors")
    var values = [Float](repeating: 0, count: 64)
    values[9] = .nan
    try SafetensorsWriter.write([("latents", Tensor(values, shape: [1, 4, 4, 4]))], to: latents)
    let result = try Command.run(
      "vae", ["decode", Fixtures.url("vae/quant").path, latents.path, "--output", folder.path + "/o.png"])
    XCTAssertEqual(result.code, 1)
    XCTAssertTrue(result.errors.contains("z.safetensors holds nan in 'latents' (value 9)"), result.errors)
    XCTAssertFalse(FileManager.default.fileExists(atPath: folder.path + "/o.png"))
  }

  func testComparisonsCarryARecipe() throws {
    let folder = try temporaryFolder(for: self)
    let output = folder.appending(path: "c.png")
    let result = try Command.run(
      "compare",
      [model, "--samplers", "ddim,euler", "--steps", "2,3", "--seed", "5", "--output", output.path])
    XCTAssertEqual(result.code, 0, result.errors)
    let recipe = try XCTUnwrap(Recipe.find(in: DecodedPicture(contentsOf: output).texts, file: "c.png"))
    XCTAssertEqual(recipe.sampler, "ddim, euler")
    XCTAssertEqual([Int(recipe.seed), recipe.steps], [5, 3])
    XCTAssertTrue(recipe.commandLine?.contains("compare") ?? false)
  }

  /// Small tiles on a large picture take long, which is said before it does.
  func testManyTilesAreSaidBeforehand() throws {
    let folder = try temporaryFolder(for: self)
    let latents = folder.appending(path: "z.safetensors")
    try SafetensorsWriter.write([("latents", Tensor.zeros([1, 4, 40, 40]))], to: latents)
    let result = try Command.run(
      "vae",
      [
        "decode", Fixtures.url("vae/quant").path, latents.path, "--tile-size", "16", "--output",
        folder.path + "/o.png",
      ])
    XCTAssertEqual(result.code, 0, result.errors)
    XCTAssertTrue(result.errors.contains("1 picture of 160x160 in 196 tiles of 16x16"), result.errors)
  }

  /// What a machine cannot hold is refused with a number, before it is tried.
  func testWhatTakesMinutesSaysSoBeforehand() throws {
    let folder = try temporaryFolder(for: self)
    let log = folder.appending(path: "log")
    XCTAssertTrue(FileManager.default.createFile(atPath: log.path, contents: nil))
    let process = try Command.start(
      [
        "sample", model, "--size", "512x512", "--steps", "1000", "--count", "1000", "--separate", "--output",
        folder.appending(path: "o.png").path,
      ], errors: FileHandle(forWritingTo: log))
    let limit = Date(timeIntervalSinceNow: 60)
    func logged() throws -> String { try String(contentsOf: log, encoding: .utf8) }
    while try logged().isEmpty, process.isRunning, Date() < limit { usleep(20_000) }
    process.terminate()
    process.waitUntilExit()
    let text = try logged()
    XCTAssertNotNil(
      text.firstMatch(
        of:
          /^1000 pictures of 512x512 will take about \d+ (h|min) \d+ (min|s) and at least [\d.]+ [GM]B of memory/
      ),
      text)
  }

  func testSizesBeyondMemoryAreRefused() throws {
    let folder = try temporaryFolder(for: self)
    let copy = folder.appending(path: "m")
    try FileManager.default.copyItem(at: Fixtures.url("pipelines/ddim"), to: copy)
    let config = copy.appending(path: "unet/config.json")
    let text = try String(contentsOf: config, encoding: .utf8)
    let large = text.replacing(/"sample_size": \d+/, with: "\"sample_size\": 8000")
    XCTAssertNotEqual(large, text)
    try large.write(to: config, atomically: true, encoding: .utf8)
    let result = try Command.run(
      "sample",
      [copy.path, "--count", "64", "--batch-size", "64", "--output", folder.path + "/o.safetensors"])
    XCTAssertEqual(result.code, 1)
    XCTAssertTrue(result.errors.contains("64 pictures of 8000x8000 would run out of memory"), result.errors)
  }
}
