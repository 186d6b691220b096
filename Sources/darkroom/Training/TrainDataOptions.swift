import ArgumentParser
import Foundation
import Training

/// Which pictures, and how they are shown.
struct DataOptions: ParsableArguments {
  @Option(help: "Where classes come from: none, or folders (sub-folders are classes).")
  var classes = ImageFolder.Classes.none

  @Option(help: "Pixels a side. (default: the model's)")
  var resolution: Int?

  @Option(help: "Where a picture is cut to a square: center, or random (another place each time).")
  var crop = TrainingOptions.CropMode.center

  @Flag(name: [.long, .customLong("random_flip")], help: "Mirror each picture half of the time.")
  var flip = false

  @Option(
    help: """
      Share of the pictures that is held out, every so many-th and 256 at most, to measure by; 0 measures by some that are \
      learned.
      """)
  var heldOut = 0.05

  @Flag(help: "Leave out the pictures that cannot be used, and say which, in place of refusing the folder.")
  var skipBad = false

  func validate() throws {
    try require((0..<0.5).contains(heldOut), "--held-out must be at least 0 and below 0.5.")
  }

  /// - Throws: `Failure` for a number of pixels a side that does not suit what is trained.
  static func check(_ resolution: Int, multipleOf multiple: Int, for what: String) throws {
    guard resolution % multiple == 0, (1...4096).contains(resolution) else {
      throw Failure("--resolution \(resolution): this \(what) needs a multiple of \(multiple), up to 4096.")
    }
  }

  /// Opens every picture before the first step.
  func checked(
    _ path: String, captions: ImageFolder.CaptionSource = .any, resolution: Int
  ) throws -> ImageFolder {
    let folder = try ImageFolder(URL(argument: path, "<images>"), classes: classes, captions: captions)
    return try checked(folder, path, resolution: resolution)
  }

  /// Opens every picture of a folder that is listed before the first step.
  func checked(_ folder: ImageFolder, _ path: String, resolution: Int) throws -> ImageFolder {
    let check = FolderCheck(folder, resolution: resolution)
    if !check.findings.isEmpty {
      let hint = " ('darkroom data check' names them)"
      let report = check.report(filesPerKind: 5, moreHint: hint, skipsBad: skipBad)
      // What refuses the folder, or leaves out pictures of it, goes wrong; the rest is worth a note.
      check.hasErrors ? Console.error(report) : Console.note(report)
    }
    guard check.hasErrors else { return folder }
    guard skipBad else {
      throw Failure(
        "\(path) holds what cannot be used, named above; mend or remove it, or add --skip-bad to leave it out."
      )
    }
    let usable = check.usableFolder
    guard !usable.items.isEmpty else { throw Failure("\(path) holds no picture that can be used.") }
    return usable
  }
}

extension TrainingOptions {
  /// What is asked for, on top of the defaults of what is trained; where passes are asked for, the number of updates follows
  /// from the pictures.
  init(
    _ defaults: TrainingOptions = TrainingOptions(), resolution: Int, _ data: DataOptions,
    _ updates: UpdateOptions, _ place: PlaceOptions
  ) {
    self = defaults
    (self.resolution, crop, flip, heldOut) = (resolution, data.crop, data.flip, data.heldOut)
    updates.fill(&self)
    steps = place.extendTo ?? updates.steps ?? steps
  }
}

extension TrainingOptions.CropMode: ExpressibleByArgument {}
