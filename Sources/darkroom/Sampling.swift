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
    let config = folder.unetConfig
    self.size = try Self.pixels(config, size, model: url.relativePath)
    // A network that also says how sure it is has twice the channels.
    guard [1, 3].contains(config.inChannels),
      [1, 2].map({ $0 * config.inChannels }).contains(config.outChannels)
    else {
      throw Failure(
        "\(url.relativePath) makes \(config.outChannels) channels of \(config.inChannels); pictures have 1 or 3, or twice "
          + "as many where the network predicts a variance too.")
    }
    labels = try ClassChoice(folder).labels(classes, count: count, guided: guidanceScale != 1)
    (self.count, self.guidanceScale) = (count, guidanceScale)
  }

  /// Of the noise that `count` pictures begin with.
  func shape(count: Int) -> [Int] { [count, folder.unetConfig.inChannels, size.height, size.width] }

  /// Loads the weights.
  func predictor(batchSize: Int) throws -> any Predictor {
    let unet = try folder.unet()
    let predictor = UNetPredictor(unet, labels: labels.indices, batchSize: batchSize)
    guard guidanceScale != 1, let null = labels.nullClass else { return predictor }
    let without = UNetPredictor(unet, labels: Array(repeating: null, count: count), batchSize: batchSize)
    return ClassifierFreeGuidance(predictor, unconditional: without, scale: guidanceScale)
  }

  /// What the loop ends with as pictures in [-1, 1].
  func decoded(_ latents: Tensor) -> Tensor { latents }

  private static func pixels(_ config: UNet2DConfig, _ size: String?, model: String) throws -> (
    height: Int, width: Int
  ) {
    var pixels = config.sampleSize.map { (height: $0[0], width: $0[1]) }
    if let size {
      let parts = size.lowercased().split(separator: "x").map { Int($0) }
      guard parts.count == 2, let width = parts[0], let height = parts[1], width > 0, height > 0 else {
        throw Failure("--size \(size) is not of the form WIDTHxHEIGHT, such as 64x48.")
      }
      pixels = (height, width)
    }
    guard let pixels else { throw Failure("\(model) does not say its size; add --size WIDTHxHEIGHT.") }
    let multiple = config.sizeMultiple
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
