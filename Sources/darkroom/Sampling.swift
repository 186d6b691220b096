import Foundation
import Models
import Pipelines

/// What `sample` and `compare` have in common: a model's folder, the classes and the size that are asked of it. Everything
/// that can be refused is refused when it is made, before any weights are loaded.
struct Sampling {
  let folder: ModelFolder
  let labels: ClassChoice.Labels
  /// Of the pictures, in pixels.
  let size: (height: Int, width: Int)
  private let guidanceScale: Float

  /// - Parameter size: width and height where the command names them; the model's own otherwise.
  /// - Throws: `Failure`, or the folder's errors.
  init(
    _ url: URL, classes: [String], guidanceScale: Float, size: (width: Int?, height: Int?) = (nil, nil)
  ) throws {
    folder = try ModelFolder(url)
    let config = folder.config
    self.size = try Self.pixels(folder, size)
    let channels = folder.vae?.config.outChannels ?? config.inChannels
    // A network that also says how sure it is has twice the channels.
    guard [1, 3].contains(channels),
      [1, 2].map({ $0 * config.inChannels }).contains(config.predictedChannels)
    else {
      throw Failure(
        "\(url.relativePath) makes \(config.predictedChannels) channels of \(config.inChannels); pictures have 1 or 3, or "
          + "twice as many where the network predicts a variance too.")
    }
    labels = try ClassChoice(folder).labels(classes, guided: guidanceScale != 1)
    self.guidanceScale = guidanceScale
  }

  /// Height and width of what is denoised.
  var latentSize: (height: Int, width: Int) { (size.height / factor, size.width / factor) }

  /// Whether the network runs twice an evaluation, with and without the class.
  var isGuided: Bool { guidanceScale != 1 && labels.nullClass != nil }

  /// Pixels that one of the denoiser's stands for.
  private var factor: Int { Self.factor(folder) }

  /// Of the noise that `count` pictures begin with.
  func shape(count: Int) -> [Int] {
    [count, folder.config.inChannels, latentSize.height, latentSize.width]
  }

  /// What the network is told of the pictures of these numbers.
  func condition(_ pictures: Range<Int>) -> Condition { Condition(labels: labels[pictures]) }

  /// Who predicts, for `count` pictures.
  func predictor(_ network: any Denoiser, count: Int, batchSize: Int) -> any Predictor {
    let predictor = NetworkPredictor(network, batchSize: batchSize)
    guard isGuided, let null = labels.nullClass else { return predictor }
    return ClassifierFreeGuidance(
      predictor, unconditional: Condition(labels: [null]).repeated(count), scale: guidanceScale)
  }

  private static func factor(_ folder: ModelFolder) -> Int { folder.vae?.config.downsampling ?? 1 }

  private static func pixels(
    _ folder: ModelFolder, _ asked: (width: Int?, height: Int?)
  ) throws -> (height: Int, width: Int) {
    let factor = factor(folder)
    let own = folder.config.nativeSize.map { (height: $0.height * factor, width: $0.width * factor) }
    guard let width = asked.width ?? own?.width, let height = asked.height ?? own?.height else {
      throw Failure("\(folder.url.relativePath) does not say its size; add --size WIDTHxHEIGHT.")
    }
    let multiple = folder.config.sizeMultiple * factor
    guard height % multiple == 0, width % multiple == 0, min(height, width) > 0, max(height, width) <= 8192
    else {
      throw Failure(
        "this model cannot make \(width)x\(height): both sides must be multiples of \(multiple), up to 8192.")
    }
    return (height, width)
  }
}

/// `--size`, or its parts as other programs name them.
struct SizeOptions {
  /// - Throws: `Failure` for another form, or for a size given twice.
  static func parsed(_ size: String?, width: Int?, height: Int?) throws -> (width: Int?, height: Int?) {
    guard let size else { return (width, height) }
    guard width == nil, height == nil else {
      throw Failure.usage("--size and --width or --height exclude each other.")
    }
    let parts = size.lowercased().split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let width = parts[0], let height = parts[1], width > 0, height > 0 else {
      throw Failure.usage("--size \(size) is not of the form WIDTHxHEIGHT, such as 64x48.")
    }
    return (width, height)
  }
}
