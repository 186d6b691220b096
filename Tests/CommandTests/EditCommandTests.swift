import Foundation
import NN
import Pictures
import TensorCore
import TestSupport
import XCTest

/// `darkroom img2img` and `darkroom inpaint` from the command line.
final class EditCommandTests: XCTestCase {
  private func model(_ name: String) -> String { Fixtures.url("pipelines/\(name)").path }
  private func edits(_ name: String) -> String { Fixtures.url("edits/\(name)").path }

  private func run(_ arguments: [String], to name: String = "o.safetensors") throws -> (URL, Command.Result) {
    let url = try temporaryFolder(for: self).appending(path: name)
    let result = try Command.run(arguments[0], Array(arguments.dropFirst()) + ["--output", url.path])
    XCTAssertEqual(result.code, 0, "\(arguments.joined(separator: " ")): \(result.errors)")
    return (url, result)
  }

  /// Against diffusers' schedulers, called as its pipelines call them; fixtures by `make_edits.py`. 1e-3 is the promise; 1e-5
  /// is what f32 leaves of it.
  func testTorchSeedsGiveDiffusersPictures() throws {
    let file = try Fixtures.tensors("edits/expected.safetensors")
    let guided = ["--class", "3", "--class", "207", "--guidance-scale", "4"]
    for (kind, name, side, options) in [
      ("img2img", "ddim", 8, ["--steps", "10", "--strength", "0.65", "--count", "2"]),
      ("img2img", "ddpm", 8, ["--steps", "12", "--strength", "1"]),
      ("img2img", "ddim-v-zero-snr", 8, ["--steps", "12", "--strength", "0.5"]),
      ("img2img", "euler-a", 8, ["--steps", "10", "--strength", "0.4", "--count", "2"]),
      ("img2img", "ldm", 16, ["--steps", "10", "--strength", "0.7", "--count", "2"]),
      ("img2img", "dit", 16, ["--steps", "10", "--strength", "0.6", "--count", "2"] + guided),
      ("inpaint", "ddim", 8, ["--steps", "10", "--count", "2"]),
      ("inpaint", "ddpm", 8, ["--steps", "12", "--strength", "0.8", "--count", "2"]),
      ("inpaint", "ldm", 16, ["--steps", "10", "--count", "2"]),
      ("inpaint", "ldm-ragged", 16, ["--steps", "10", "--strength", "0.9"]),
      ("inpaint", "dit", 16, ["--steps", "10", "--strength", "0.7", "--count", "2"] + guided),
    ] {
      let isRagged = name.hasSuffix("-ragged")
      let mask = "mask-\(side)\(isRagged ? "-ragged" : "").png"
      let (url, _) = try run(
        [
          kind, model(name.replacing("-ragged", with: "")), edits("picture-\(side).png"), "--rng", "torch",
          "--seed", "7", "--steps-mode", "diffusers",
        ]
          + (kind == "inpaint" ? ["--mask", edits(mask)] : []) + options)
      let what = "\(kind) \(name)"
      assertClose(
        try SafetensorsFile(url).tensor("images"), try file.tensor(what), relative: 1e-5, what)
    }
  }

  func testAPictureDoesNotDependOnItsNeighbours() throws {
    let options = [
      "inpaint", model("ldm"), edits("picture-16.png"), "--mask", edits("mask-16.png"), "--steps", "3",
      "--eta", "1",
      "--fill", "noise",
    ]
    let (all, _) = try run(options + ["--count", "3"])
    let (one, _) = try run(options + ["--first-index", "2", "--batch-size", "1", "--threads", "1"])
    XCTAssertEqual(
      try SafetensorsFile(one).tensor("images").values,
      try SafetensorsFile(all).tensor("images").rows(2..<3).values)
  }

  /// Pictures of a picture come in batches, each written as it is done; an interruption ends between two files.
  func testAnInterruptionKeepsWhatIsDone() throws {
    for arguments in [
      ["img2img", model("ddim"), edits("picture-8.png"), "--separate"],
      ["inpaint", model("ddim"), edits("picture-8.png"), "--mask", edits("mask-8.png")],
    ] {
      let folder = try temporaryFolder(for: self)
      let log = try temporaryFolder(for: self).appending(path: "log")
      XCTAssertTrue(FileManager.default.createFile(atPath: log.path, contents: nil))
      let process = try Command.start(
        arguments + [
          "--steps", "400", "--count", "2000", "--batch-size", "1", "--output",
          folder.appending(path: "o.png").path,
        ], errors: FileHandle(forWritingTo: log))
      func files() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.path) }
      let limit = Date(timeIntervalSinceNow: 120)
      while try files().count < 2, process.isRunning, Date() < limit { usleep(20_000) }
      process.interrupt()
      process.waitUntilExit()
      XCTAssertEqual(process.terminationStatus, 130)
      XCTAssertGreaterThanOrEqual(try files().count, 2)
      for file in try files() {
        XCTAssertNoThrow(try DecodedPicture(contentsOf: folder.appending(path: file)), file)
      }
      let logged = try String(contentsOf: log, encoding: .utf8)
      XCTAssertTrue(logged.contains("stopped; "), logged)
      XCTAssertFalse(logged.contains("checkpoint"), logged)
    }
  }

  /// The estimate stands beside the picture, in pixels and of latents, and changes nothing.
  func testPreviewsShowTheEstimate() throws {
    for arguments in [
      ["sample", model("ldm"), "--count", "2"], ["img2img", model("ddim"), edits("picture-8.png")],
      ["inpaint", model("ddim"), edits("picture-8.png"), "--mask", edits("mask-8.png")],
    ] {
      let (plain, _) = try run(arguments + ["--steps", "5"], to: "o.png")
      let (drawn, _) = try run(arguments + ["--steps", "5", "--preview", "2"], to: "o.png")
      XCTAssertEqual(
        try DecodedPicture(contentsOf: drawn).picture.pixels,
        try DecodedPicture(contentsOf: plain).picture.pixels)
      let preview = drawn.deletingLastPathComponent().appending(path: "o-preview.png")
      let estimate = try DecodedPicture(contentsOf: preview).picture
      let side = arguments[1] == model("ldm") ? 16 : 8
      XCTAssertEqual(estimate.height, arguments[0] == "sample" ? side + 4 : side)
      let before = plain.deletingLastPathComponent().appending(path: "o-preview.png")
      XCTAssertFalse(FileManager.default.fileExists(atPath: before.path))
    }
  }

  func testAsManyStepsAreTakenAsAsked() throws {
    func recipe(_ options: [String]) throws -> Recipe {
      let (url, _) = try run(
        ["img2img", model("ddim"), edits("picture-8.png")] + options, to: "o.png")
      return try XCTUnwrap(Recipe.find(in: DecodedPicture(contentsOf: url).texts, file: "o.png"))
    }
    let taken = try recipe(["--steps", "4", "--strength", "0.25"])
    XCTAssertEqual([taken.steps, taken.scheduleSteps], [4, 16])
    XCTAssertEqual(taken.strength, 0.25)
    XCTAssertEqual(taken.inputs?[edits("picture-8.png")]?.count, 64)
    let diffusers = try recipe(["--steps", "16", "--strength", "0.25", "--steps-mode", "diffusers"])
    XCTAssertEqual([diffusers.steps, diffusers.scheduleSteps], [4, 16])
  }

  func testPicturesOfOtherSizesAreFittedAndItIsSaid() throws {
    let folder = try temporaryFolder(for: self)
    let wide = folder.appending(path: "wide.png")
    try Picture(width: 24, height: 12, color: RGB(200, 10, 60)).write(to: wide)
    for (fit, note) in [("crop", "cropped"), ("pad", "padded"), ("stretch", "stretched")] {
      let (url, result) = try run(
        ["img2img", model("ddim"), wide.path, "--steps", "1", "--strength", "0.01", "--fit", fit], to: "o.png"
      )
      let picture = try DecodedPicture(contentsOf: url).picture
      XCTAssertEqual([picture.width, picture.height], [8, 8])
      XCTAssertTrue(result.errors.contains("24x12 brought to 8x8, \(note)"), result.errors)
      // Hardly noised, the picture's own colour is left in the middle, and the ground's above it where it is padded.
      XCTAssertLessThan(abs(Int(picture[4, 4].red) - 200), 60, fit)
      if fit == "pad" { XCTAssertGreaterThan(picture[4, 0].green, 150) }
    }
  }

  // MARK: - What is kept

  private func stored(_ mode: StoredPicture.Mode, _ depth: Int, width: Int, height: Int, seed: UInt64)
    -> StoredPicture
  {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    func next() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
    let palette =
      mode == .palette
      ? (0..<16).map { _ in
        StoredPicture.PaletteEntry(RGB(UInt8(next() & 255), UInt8(next() & 255), UInt8(next() & 255)))
      } : []
    let top = mode == .palette ? 16 : UInt64(1) << UInt64(depth)
    let samples = (0..<width * height * mode.channels).map { _ in UInt16(next() % top) }
    return StoredPicture(
      width: width, height: height, mode: mode, bitDepth: depth, samples: samples, palette: palette)
  }

  /// Pixels under black have the samples of the file, whatever its mode and depth, through pixels and latents alike.
  func testKeptPixelsAreIdentical() throws {
    let folder = try temporaryFolder(for: self)
    var seed: UInt64 = 1
    for (mode, depth) in [
      (StoredPicture.Mode.grey, 8), (.grey, 16), (.rgb, 8), (.rgb, 16), (.rgba, 8), (.rgba, 16),
      (.palette, 8),
    ] {
      for (name, width, height, more) in [
        ("ddim", 8, 8, []), ("ldm", 16, 16, ["--feather", "1"]), ("ldm", 23, 19, ["--method", "repaint"]),
        ("dit", 37, 41, ["--crop-to-mask", "--padding", "3", "--fill", "blur"]),
      ] as [(String, Int, Int, [String])] {
        seed += 1
        let original = stored(mode, depth, width: width, height: height, seed: seed)
        let (image, maskFile) = (
          folder.appending(path: "\(seed).png"), folder.appending(path: "m\(seed).png")
        )
        try original.write(to: image)
        let (x, y) = (Int(seed * 7) % (width / 2), Int(seed * 5) % (height / 2))
        var mask = Mask(
          rectangle: .init(x: x, y: y, width: width / 3, height: height / 3), width: width, height: height)
        try mask.picture.write(to: maskFile)
        if more.contains("--feather") { mask = mask.feathered(1) }
        let what = "\(mode) \(depth) bits, \(name) \(more)"
        let (url, _) = try run(
          ["inpaint", model(name), image.path, "--mask", maskFile.path, "--steps", "2", "--seed", "\(seed)"]
            + more,
          to: "o.png")
        let result = try StoredPicture(contentsOf: url)
        XCTAssertEqual([result.width, result.height], [width, height], what)
        if mode != .palette { XCTAssertEqual([result.bitDepth], [depth], what) }
        if mode != .palette { XCTAssertEqual(result.mode, mode, what) }
        var changed = 0
        for row in 0..<height {
          for column in 0..<width {
            if mask[column, row] == 0 {
              XCTAssertEqual(result[column, row], original[column, row], "\(what) at \(column), \(row)")
            } else if result[column, row] != original[column, row] {
              changed += 1
            }
          }
        }
        XCTAssertGreaterThan(changed, 0, "\(what): the hole is painted")
      }
    }
  }

  func testPaintingBeyondTheBorder() throws {
    let original = try StoredPicture(contentsOf: URL(fileURLWithPath: edits("picture-8.png")))
    let (url, _) = try run(
      ["inpaint", model("ddim"), edits("picture-8.png"), "--expand", "4,0,2,6", "--steps", "2"], to: "o.png")
    let result = try StoredPicture(contentsOf: url)
    XCTAssertEqual([result.width, result.height], [14, 14])
    for y in 0..<8 { for x in 0..<8 { XCTAssertEqual(result[x + 4, y], original[x, y]) } }
  }

  func testTransparencyAndBoxesAreMasks() throws {
    let folder = try temporaryFolder(for: self)
    let picture = folder.appending(path: "hole.png")
    let samples = (0..<64).flatMap { i -> [UInt16] in [90, 120, 30, i % 8 < 4 ? 255 : 0] }
    let original = StoredPicture(width: 8, height: 8, mode: .rgba, bitDepth: 8, samples: samples)
    try original.write(to: picture)
    for options in [
      ["--mask", "alpha"], ["--mask-box", "4,0,9,8"], ["--mask-box", "0,0,4,8", "--invert-mask"],
    ] {
      let (url, _) = try run(["inpaint", model("ddim"), picture.path, "--steps", "2"] + options, to: "o.png")
      let result = try StoredPicture(contentsOf: url)
      for y in 0..<8 {
        for x in 0..<8 {
          if x < 4 {
            XCTAssertEqual(result[x, y], original[x, y])
          } else {
            XCTAssertEqual(result[x, y].alpha, 65_535)
          }
        }
      }
    }
  }

  func testNothingToPaintIsThePictureItself() throws {
    let folder = try temporaryFolder(for: self)
    let black = folder.appending(path: "black.png")
    try Mask(width: 8, height: 8, value: 0).picture.write(to: black)
    let (url, result) = try run(
      ["inpaint", model("ddim"), edits("picture-8.png"), "--mask", black.path], to: "o.png")
    XCTAssertTrue(result.errors.contains("nothing to paint"), result.errors)
    XCTAssertEqual(
      try StoredPicture(contentsOf: url).samples,
      try StoredPicture(contentsOf: URL(fileURLWithPath: edits("picture-8.png"))).samples)
  }

  func testMasksOfAnotherSizeAreBroughtToThePictures() throws {
    let (_, result) = try run(
      ["inpaint", model("ddim"), edits("picture-8.png"), "--mask", edits("mask-16.png"), "--steps", "1"],
      to: "o.png")
    XCTAssertTrue(result.errors.contains("16x16 brought to the picture's 8x8"), result.errors)
  }

  func testWhatCannotBeIsRefusedInOneSentence() throws {
    let folder = try temporaryFolder(for: self)
    let white = folder.appending(path: "white.png")
    try Mask(width: 8, height: 8, value: 255).picture.write(to: white)
    let (ddim, picture, mask) = (model("ddim"), edits("picture-8.png"), edits("mask-8.png"))
    let output = folder.appending(path: "o.png").path
    for (arguments, sentence) in [
      (["img2img", ddim, picture, "--strength", "0"], "above 0 and at most 1"),
      (["img2img", ddim, picture, "--strength", "1.5"], "above 0 and at most 1"),
      (["img2img", ddim, picture, "--strength", "-1"], "--strength -1.0 must be above 0 and at most 1"),
      (["inpaint", ddim, picture, "--mask", mask, "--strength", "-1"], "--strength -1.0 must be above 0"),
      (["img2img", ddim, folder.appending(path: "none.png").path], "none.png"),
      (
        ["img2img", ddim, picture, "--steps", "5", "--strength", "0.1", "--steps-mode", "diffusers"],
        "is none"
      ),
      (["img2img", ddim, picture, "--background", "red"], "no colour"),
      (["inpaint", ddim, picture], "nothing says where to paint"),
      (["inpaint", ddim, picture, "--mask", white.path], "white all over"),
      (["inpaint", ddim, picture, "--mask", "alpha"], "no transparency"),
      (["inpaint", ddim, picture, "--mask-box", "9,9,3,3"], "lies outside"),
      (["inpaint", ddim, picture, "--mask-box", "1,1,3"], "x,y,width,height"),
      (["inpaint", ddim, picture, "--expand", "0,0,0,0"], "--expand"),
      (["inpaint", ddim, picture, "--mask", mask, "--mask-box", "1,1,2,2"], "exclude"),
      (["inpaint", ddim, picture, "--mask", mask, "--guidance-scale", "3"], "knows no classes"),
      (["sample", model("dit"), "--negative-class", "5"], "does nothing at --guidance-scale 1"),
      (["sample", model("dit"), "--guidance-scale", "3", "--autoguidance", model("ddim")], "cannot guide"),
    ] {
      let result = try Command.run(arguments[0], Array(arguments.dropFirst()) + ["--output", output])
      XCTAssertNotEqual(result.code, 0, arguments.joined(separator: " "))
      XCTAssertTrue(result.errors.contains(sentence), "\(arguments): \(result.errors)")
      XCTAssertFalse(FileManager.default.fileExists(atPath: output))
    }
    let jpeg = try Command.run("inpaint", ddim, picture, "--mask", mask, "--output", folder.path + "/o.jpg")
    XCTAssertTrue(jpeg.errors.contains("JPEG cannot keep pixels"), jpeg.errors)
  }

  func testEditsAreReplayed() throws {
    for arguments in [
      [
        "img2img", model("ldm"), edits("picture-16.png"), "--steps", "2", "--seed", "4", "--count", "2",
        "--separate",
      ],
      [
        "inpaint", model("ldm"), edits("picture-16.png"), "--mask", edits("mask-16.png"), "--steps", "2",
        "--count", "2",
      ],
    ] {
      let (url, _) = try run(arguments, to: "o.png")
      let second = url.deletingLastPathComponent().appending(path: "o-0001.png")
      let result = try Command.run("replay", second.path)
      XCTAssertEqual(result.code, 0, result.errors)
      XCTAssertTrue(result.output.contains("identical"), result.output)
    }
  }

  // MARK: - Guidance

  /// Options of guidance change the picture, each in its own way, and stand in its recipe.
  func testGuidanceIsFollowedAndRecorded() throws {
    let base = ["sample", model("dit"), "--class", "3", "--steps", "4", "--guidance-scale", "4"]
    var seen: Set<[Float]> = []
    for more in [
      [], ["--negative-class", "5"], ["--negative-class", "5", "--negative-scale", "2"],
      ["--negative-class", "5", "--negative-scale", "2", "--perpendicular-negative"],
      ["--guidance-rescale", "0.7"],
      ["--guidance-start", "0.5"], ["--guidance-end", "0.5"],
    ] {
      let (url, _) = try run(base + more)
      XCTAssertTrue(seen.insert(try SafetensorsFile(url).tensor("images").values).inserted, "\(more)")
    }
    let (url, _) = try run(
      base + ["--negative-class", "5", "--guidance-rescale", "0.5", "--guidance-end", "0.75"], to: "o.png")
    let recipe = try XCTUnwrap(Recipe.find(in: DecodedPicture(contentsOf: url).texts, file: "o.png"))
    XCTAssertEqual(recipe.negativeClasses, [5])
    XCTAssertEqual([recipe.guidanceRescale, recipe.guidanceEnd, recipe.guidanceScale], [0.5, 0.75, 4])
    XCTAssertNil(recipe.guidanceStart)
  }

  /// A model that guides itself is not guided at all.
  func testAutoguidanceByTheModelItselfChangesNothing() throws {
    let base = ["sample", model("ddim"), "--steps", "4", "--seed", "5"]
    let (plain, _) = try run(base)
    let (guided, _) = try run(base + ["--guidance-scale", "3", "--autoguidance", model("ddim")])
    assertClose(
      try SafetensorsFile(guided).tensor("images"), try SafetensorsFile(plain).tensor("images"),
      relative: 1e-4,
      "x + 3·(x − x)")
  }
}
