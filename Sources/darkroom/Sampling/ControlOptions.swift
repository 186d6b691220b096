import ArgumentParser
import Files
import Foundation
import Models
import Pictures
import Pipelines
import Schedulers
import TensorCore

/// ControlNets that steer a model, for commands that sample; several by repeating the options in the same order.
struct ControlOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A folder of a ControlNet for this model; repeat it, and what goes with it in the same order, for several.",
      valueName: "folder"),
    completion: .directory)
  var controlnet: [String] = []

  @Option(
    help: ArgumentHelp(
      "The picture that it reads, of the size of those that are made ('darkroom control' makes some).",
      valueName: "picture"),
    completion: .file(extensions: ["png", "jpg", "jpeg"]))
  var controlImage: [String] = []

  @Option(
    name: [.long, .customLong("controlnet-conditioning-scale")],
    help: "How much of it, from 0 (none); given once, it holds for all. (default: 1)")
  var controlScale: [Float] = []

  @Option(
    name: [.long, .customLong("control-guidance-start")],
    help: "The share of the steps after which it begins. (default: 0)")
  var controlStart: [Double] = []

  @Option(
    name: [.long, .customLong("control-guidance-end")],
    help: "The share of the steps at which it ends. (default: 1)")
  var controlEnd: [Double] = []

  @Flag(
    help: "Let the control pictures say what the text does not: they steer what follows the prompt alone.")
  var guessMode = false

  func validate() throws {
    try require(
      controlImage.count >= controlnet.count,
      "--controlnet \(controlnet.dropFirst(controlImage.count).first ?? "") has no --control-image; give one for each."
    )
    try require(
      controlImage.count == controlnet.count,
      "--control-image \(controlImage.dropFirst(controlnet.count).first ?? "") has no --controlnet; give one for each."
    )
    for (option, count) in [
      ("--control-scale", controlScale.count), ("--control-start", controlStart.count),
      ("--control-end", controlEnd.count),
    ] {
      try require(count == 0 || !controlnet.isEmpty, "\(option) goes with --controlnet.")
      try require(
        [0, 1, controlnet.count].contains(count),
        "\(option) is given \(count) times for \(controlnet.count) ControlNets; give it once, or once for each."
      )
    }
    try require(!guessMode || !controlnet.isEmpty, "--guess-mode goes with --controlnet.")
    try require(
      controlScale.allSatisfy(isFinite), "--control-scale must not be negative, and be finite.")
    for index in controlnet.indices {
      let (start, end) = share(index)
      try require(
        0 <= start && start < end && end <= 1,
        "--control-start \(start) and --control-end \(end) must lie within 0 and 1, and in this order.")
    }
  }

  func scale(_ index: Int) -> Float { Self.value(of: controlScale, index) ?? 1 }

  func share(_ index: Int) -> (start: Double, end: Double) {
    (Self.value(of: controlStart, index) ?? 0, Self.value(of: controlEnd, index) ?? 1)
  }

  private static func value<Value>(of given: [Value], _ index: Int) -> Value? {
    given.count == 1 ? given[0] : given.dropFirst(index).first
  }
}

/// ControlNets with their weights, ready to steer.
struct Steering {
  let controls: [Control]
  let isGuess: Bool
  let batchSize: Int

  /// The networks of a run, steered along its route.
  func steering(_ networks: GuidanceNetworks, _ route: Route) -> GuidanceNetworks {
    guard !controls.isEmpty else { return networks }
    var steered = networks
    steered.strong = ControlPredictor(
      networks.strong, controls, isGuess: isGuess, along: route, batchSize: batchSize)
    // As in diffusers, a guess takes what the pictures say against what nothing says.
    steered.opposite = isGuess ? networks.strong : nil
    return steered
  }
}

/// The ControlNets and pictures of a command, opened and checked; no weights are loaded.
struct SteeringFiles {
  private let folders: [ControlNetFolder]
  private var pictures: [Picture]
  private let options: ControlOptions
  /// Pixels of a picture that is made to one of what the model denoises.
  private let downsampling: Int

  /// - Parameters:
  ///   - base: the model that is steered.
  ///   - size: of the pictures that are made.
  /// - Throws: `Failure` for a picture that does not go with what is made; the folders' and pictures' errors.
  init(_ options: ControlOptions, _ base: ModelFolder, size: (height: Int, width: Int)) throws {
    self.options = options
    folders = try options.controlnet.map {
      try ControlNetFolder(try URL(argument: $0, "--controlnet"), for: base)
    }
    let downsampling = base.vae?.config.downsampling ?? 1
    self.downsampling = downsampling
    pictures = try zip(options.controlImage, folders).map { path, folder in
      let decoded = try DecodedPicture(contentsOf: URL(argument: path, "--control-image"))
      let picture = decoded.picture
      if decoded.hadAlpha { Console.note("\(path): what is transparent is laid on white") }
      let (height, width) = Self.size(read: folder, for: size, downsampling)
      guard (picture.width, picture.height) == (width, height) else {
        throw Failure(
          "--control-image \(path) is \(picture.width)x\(picture.height), and must be \(width)x\(height) for pictures of "
            + "\(size.width)x\(size.height); resize it, or make pictures of its size with --size.")
      }
      guard [1, 3].contains(folder.config.conditioningChannels) else {
        throw Failure(
          "\(folder.place.url.relativePath) reads \(folder.config.conditioningChannels) channels; a picture has 1 or 3."
        )
      }
      return picture
    }
  }

  /// Height and width of what a ControlNet reads where pictures of a size are made.
  private static func size(
    read folder: ControlNetFolder, for size: (height: Int, width: Int), _ downsampling: Int
  ) -> (height: Int, width: Int) {
    let factor = folder.config.conditioningDownsampling
    return (size.height / downsampling * factor, size.width / downsampling * factor)
  }

  /// The same for pictures of another size: what steers is resized to it.
  func at(_ size: (height: Int, width: Int)) -> SteeringFiles {
    var copy = self
    copy.pictures = zip(pictures, folders).map { picture, folder in
      let (height, width) = Self.size(read: folder, for: size, downsampling)
      return picture.resized(width: width, height: height)
    }
    return copy
  }

  /// What each adds to the cost of a network's run over one picture.
  ///
  /// - Parameters:
  ///   - height: of what is denoised.
  ///   - width: of what is denoised.
  func costs(height: Int, width: Int) -> [ForwardCost] {
    folders.compactMap { $0.config.cost(height: height, width: width) }
  }

  /// The hash of each file that decides what they add, by its path on the command line.
  ///
  /// - Throws: what reading a file throws.
  func hashes() throws -> [String: String] {
    var hashes: [String: String] = [:]
    for path in options.controlImage {
      hashes[path] = try HashCache().sha256(of: URL(argument: path, "--control-image"))
    }
    for (path, folder) in zip(options.controlnet, folders) {
      let files = folder.checkpoint.fileURLs + [folder.place.url.appending(path: "config.json")]
      hashes.merge(try HashCache().hashes(of: files, inFolder: path)) { first, _ in first }
    }
    return hashes
  }

  /// The networks with their weights.
  ///
  /// - Parameter batchSize: the most pictures that go through one at a time.
  /// - Throws: `CheckpointError` or `SafetensorsError`.
  func loaded(batchSize: Int) throws -> Steering {
    let controls = try folders.indices.map { index in
      let (start, end) = options.share(index)
      return Control(
        try folders[index].network(), image: image(index), scale: options.scale(index), start: start,
        end: end)
    }
    return Steering(controls: controls, isGuess: options.guessMode, batchSize: batchSize)
  }

  /// ControlNets that were loaded for another size, with the pictures of this one.
  func replacingImages(of steering: Steering) -> Steering {
    Steering(
      controls: steering.controls.enumerated().map { $1.with(image: image($0)) }, isGuess: steering.isGuess,
      batchSize: steering.batchSize)
  }

  private func image(_ index: Int) -> Tensor {
    pictures[index].unitTensor(channels: folders[index].config.conditioningChannels)
  }
}

extension HashCache {
  /// SHA-256 of the files of a folder, by their paths below the folder as the command line has it.
  ///
  /// - Throws: what reading a file throws.
  func hashes(of files: [URL], inFolder path: String) throws -> [String: String] {
    let folder = path.hasSuffix("/") ? path : path + "/"
    let named = try files.map { (folder + $0.lastPathComponent, try sha256(of: $0)) }
    return Dictionary(named) { first, _ in first }
  }
}
