import Foundation
import Models
import Pipelines
import TensorCore

/// What `sample` and `compare` have in common: a model's folder, the classes and the size that are asked of it. Everything
/// that can be refused is refused when it is made, before any weights are loaded.
struct Sampling {
  let folder: ModelFolder
  let labels: ClassChoice.Labels
  /// Of the pictures, in pixels.
  let size: (height: Int, width: Int)
  private let count: Int
  private let guidanceScale: Float

  /// - Parameter size: as WIDTHxHEIGHT; nil for the model's own.
  /// - Throws: `Failure`, or the folder's errors.
  init(_ url: URL, classes: [String], count: Int, guidanceScale: Float, size: String? = nil) throws {
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
    labels = try ClassChoice(folder).labels(classes, count: count, guided: guidanceScale != 1)
    (self.count, self.guidanceScale) = (count, guidanceScale)
  }

  /// Pixels that one of the denoiser's stands for.
  private var factor: Int { folder.vae?.config.downsampling ?? 1 }

  /// Of the noise that `count` pictures begin with.
  func shape(count: Int) -> [Int] {
    [count, folder.config.inChannels, size.height / factor, size.width / factor]
  }

  /// What the network is told, a row a picture.
  var condition: Condition { Condition(labels: labels.indices) }

  /// Loads the denoiser.
  func predictor(batchSize: Int) throws -> any Predictor {
    let network = try folder.denoiser()
    let predictor = NetworkPredictor(network, batchSize: batchSize)
    guard guidanceScale != 1, let null = labels.nullClass else { return predictor }
    return ClassifierFreeGuidance(
      predictor, unconditional: Condition(labels: [null]).repeated(count), scale: guidanceScale)
  }

  /// What the loop ends with as pictures in [-1, 1].
  func decoded(_ latents: Tensor) throws -> Tensor { try folder.codec()?.decoded(latents) ?? latents }

  private static func pixels(_ folder: ModelFolder, _ size: String?) throws -> (height: Int, width: Int) {
    let factor = folder.vae?.config.downsampling ?? 1
    var pixels = folder.config.nativeSize.map { (height: $0.height * factor, width: $0.width * factor) }
    if let size {
      let parts = size.lowercased().split(separator: "x").map { Int($0) }
      guard parts.count == 2, let width = parts[0], let height = parts[1], width > 0, height > 0 else {
        throw Failure("--size \(size) is not of the form WIDTHxHEIGHT, such as 64x48.")
      }
      pixels = (height, width)
    }
    guard let pixels else {
      throw Failure("\(folder.url.relativePath) does not say its size; add --size WIDTHxHEIGHT.")
    }
    let multiple = folder.config.sizeMultiple * factor
    guard pixels.height % multiple == 0, pixels.width % multiple == 0,
      max(pixels.height, pixels.width) <= 8192
    else {
      throw Failure(
        "this model cannot make \(pixels.width)x\(pixels.height): both sides must be multiples of \(multiple), up to 8192."
      )
    }
    return pixels
  }
}
