import Foundation
import Models
import NN
import Pictures
import Pipelines
import Schedulers
import TensorCore

/// What a run makes of a trainer's weights: the files of a model, and pictures that show how far it is.
public protocol RunProduct {
  /// The model's files and folders in the run's.
  var files: [String] { get }

  /// Writes the model, each file whole or not at all.
  ///
  /// - Returns: what is worth saying of it, such as a measurement.
  /// - Throws: `FileError`.
  func write(_ trainer: Trainer, to folder: URL) throws -> String?

  /// What the model does by now, on the same inputs each time.
  ///
  /// - Throws: `PictureError` where a picture cannot be read.
  func preview(_ trainer: Trainer) throws -> Picture
}

/// A diffusers pipeline of the averaged weights.
public struct DenoiserProduct: RunProduct {
  private let config: any DenoiserConfig
  private let scheduler: SchedulerConfig
  private let classes: [String]
  private let nullClass: Int?
  private let codec: LatentSpace?
  private let shape: [Int]

  /// - Parameters:
  ///   - classes: names by index; empty for a model without classes.
  ///   - codec: of a model of latents, which the folder then holds too.
  ///   - shape: of one example, `[C, H, W]`.
  public init(
    _ config: any DenoiserConfig, _ scheduler: SchedulerConfig, classes: [String], nullClass: Int?,
    codec: LatentSpace? = nil, shape: [Int]
  ) {
    (self.config, self.scheduler, self.classes, self.nullClass) = (config, scheduler, classes, nullClass)
    (self.codec, self.shape) = (codec, shape)
  }

  /// What makes up the pipeline.
  public var files: [String] {
    [type(of: config).component, "scheduler", "vae", "vqvae", "darkroom.json", "model_index.json"]
  }

  /// Writes the pipeline.
  ///
  /// - Throws: `FileError`.
  public func write(_ trainer: Trainer, to folder: URL) throws -> String? {
    let notes = ModelNotes(
      classes: classes.isEmpty ? nil : classes, nullClass: nullClass, trainedSteps: trainer.stepsTaken,
      labelDropout: classes.isEmpty ? nil : trainer.options.labelDropout)
    try ModelFolder.save(
      trainer.averaged, config, scheduler, notes, vae: codec?.autoencoder, to: folder)
    return nil
  }

  private static let (pictures, mostClasses, steps) = (16, 64, 25)

  /// Pictures from the same noise each time, by DDIM: a column a class where there are few.
  public func preview(_ trainer: Trainer) throws -> Picture {
    let model = try config.build(
      ParameterStore(.tensors(Dictionary(uniqueKeysWithValues: trainer.averaged.map { ($0.key, $0.tensor) })))
    )
    let shown = min(classes.count, Self.mostClasses)
    let count = shown == 0 ? Self.pictures : shown * max(1, Self.pictures / shown)
    let labels =
      shown == 0 ? nullClass.map { Array(repeating: $0, count: count) } : (0..<count).map { $0 % shown }
    let loop = try DenoisingLoop(
      scheduler.with(scheduler.isFlow ? .flowMatchEuler : .ddim),
      .count(min(Self.steps, scheduler.numTrainTimesteps)),
      predictor: NetworkPredictor(model, batchSize: Self.pictures), condition: Condition(labels: labels))
    var noise = Generator.philox.source(seed: trainer.options.seed)
    let latents = loop.run([count] + shape, noise: &noise)
    let pictures = Picture.batch(codec?.decoded(latents) ?? latents)
    return try Grid(columns: (1...Self.pictures).contains(shown) ? shown : 8).compose(
      pictures.map(\.enlargedToBeSeen))
  }
}

extension Picture {
  /// The same with each pixel a square of several where there are too few to be seen: at least 64 a side, as far as eight
  /// times that is enough.
  var enlargedToBeSeen: Picture {
    let factor = min(8, (63 + min(width, height)) / min(width, height))
    return factor <= 1 ? self : resized(width: width * factor, height: height * factor, filter: .box)
  }
}
