import Foundation
import Models
import Pipelines
import TensorCore

/// What `sample` and `compare` have in common: a model's folder, the classes and the size that are asked of it. Everything
/// that can be refused is refused when it is made, before any weights are loaded.
struct Sampling {
  let folder: ModelFolder
  let labels: ClassChoice.Labels
  let size: (height: Int, width: Int)
  private let count: Int
  private let guidanceScale: Float

  /// - Parameter size: as WIDTHxHEIGHT; nil for the model's own.
  /// - Throws: `Failure`, or the folder's errors.
  init(_ url: URL, classes: [String], count: Int, guidanceScale: Float, size: String? = nil) throws {
    folder = try ModelFolder(url)
    let config = folder.denoiserConfig
    self.size = try Self.pixels(folder, size)
    guard [1, 3].contains(folder.pictureChannels) else {
      throw Failure("\(url.relativePath) makes \(folder.pictureChannels) channels; pictures have 1 or 3.")
    }
    // A network that also says how sure it is has twice the channels.
    guard [1, 2].map({ $0 * config.inChannels }).contains(config.outChannels) else {
      throw Failure(
        "\(url.relativePath) makes \(config.outChannels) channels of \(config.inChannels); as many are needed, or twice as "
          + "many where the network predicts a variance too.")
    }
    labels = try ClassChoice(folder).labels(classes, count: count, guided: guidanceScale != 1)
    (self.count, self.guidanceScale) = (count, guidanceScale)
  }

  /// Of the noise that `count` pictures begin with.
  func shape(count: Int) -> [Int] {
    let factor = folder.pixelsPerValue
    return [count, folder.denoiserConfig.inChannels, size.height / factor, size.width / factor]
  }

  /// Loads the network's weights.
  func predictor(batchSize: Int) throws -> any Predictor {
    let network = try folder.denoiser()
    let predictor = NetworkPredictor(network, labels: labels.indices, batchSize: batchSize)
    guard guidanceScale != 1, let null = labels.nullClass else { return predictor }
    let without = NetworkPredictor(
      network, labels: Array(repeating: null, count: count), batchSize: batchSize)
    return ClassifierFreeGuidance(predictor, unconditional: without, scale: guidanceScale)
  }

  private static func pixels(_ folder: ModelFolder, _ size: String?) throws -> (height: Int, width: Int) {
    let factor = folder.pixelsPerValue
    var pixels = folder.denoiserConfig.sampleSize.map { (height: $0[0] * factor, width: $0[1] * factor) }
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
    let multiple = folder.denoiserConfig.sizeMultiple * factor
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
