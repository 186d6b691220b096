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
  private let captions: Captions?
  private let shape: [Int]

  /// How a network that reads texts is told them, and what its previews show.
  public typealias Captions = (reader: any CaptionReader, previewed: [String])

  /// - Parameters:
  ///   - classes: names by index; empty for a model without classes.
  ///   - codec: of a model of latents, which the folder then holds too.
  ///   - captions: nil for a network that reads none.
  ///   - shape: of one example, `[C, H, W]`.
  public init(
    _ config: any DenoiserConfig, _ scheduler: SchedulerConfig, classes: [String], nullClass: Int?,
    codec: LatentSpace? = nil, captions: Captions? = nil, shape: [Int]
  ) {
    (self.config, self.scheduler, self.classes, self.nullClass) = (config, scheduler, classes, nullClass)
    (self.codec, self.captions, self.shape) = (codec, captions, shape)
  }

  /// What makes up the pipeline.
  public var files: [String] {
    [type(of: config).component, "scheduler", "vae", "vqvae"] + SavedText.folders
      + ["darkroom.json", "model_index.json"]
  }

  /// Writes the pipeline.
  ///
  /// - Throws: `FileError`.
  public func write(_ trainer: Trainer, to folder: URL) throws -> String? {
    let notes = ModelNotes(
      classes: classes.isEmpty ? nil : classes, nullClass: nullClass, trainedSteps: trainer.stepsTaken,
      labelDropout: classes.isEmpty && captions == nil ? nil : trainer.options.labelDropout)
    let saved = captions?.reader.saved(trainer.averaged)
    try ModelFolder.save(
      saved?.denoiser ?? trainer.averaged, config, scheduler, notes, vae: codec?.autoencoder,
      text: saved?.text, to: folder)
    return nil
  }

  private static let (pictures, mostClasses, steps) = (16, 64, 25)
  /// Of previews of texts. DDIM, where a schedule clips, turns colours into their opposites at 4.
  private static let guidance: Float = 2

  /// Pictures from the same noise each time, by DDIM: a column a class or a caption where there are few.
  public func preview(_ trainer: Trainer) throws -> Picture {
    let network = NetworkPredictor(try network(trainer.averaged), batchSize: Self.pictures)
    let columns = captions?.previewed.count ?? min(classes.count, Self.mostClasses)
    let count = columns == 0 ? Self.pictures : columns * max(1, Self.pictures / columns)
    let (predictor, condition) = try guided(network, columns: columns, count: count)
    let loop = try DenoisingLoop(
      scheduler.with(scheduler.isFlow ? .flowMatchEuler : .ddim),
      .count(min(Self.steps, scheduler.numTrainTimesteps)), predictor: predictor, condition: condition)
    var noise = Generator.philox.source(seed: trainer.options.seed)
    let latents = loop.run([count] + shape, noise: &noise)
    let pictures = Picture.batch(codec?.decoded(latents) ?? latents)
    return try Grid(columns: (1...Self.pictures).contains(columns) ? columns : 8).compose(
      pictures.map(\.enlargedToBeSeen))
  }

  /// The network over averaged weights.
  private func network(_ averaged: [(key: String, tensor: Tensor)]) throws -> any Denoiser {
    func store(_ tensors: [(key: String, tensor: Tensor)]) -> ParameterStore {
      ParameterStore(.tensors(Dictionary(uniqueKeysWithValues: tensors.map { ($0.key, $0.tensor) })))
    }
    guard let reader = captions?.reader else { return try config.build(store(averaged)) }
    return try reader.network(config) { part in
      store(reader.learned == nil ? averaged : ParameterStore.part(part, of: averaged))
    }
  }

  /// Who predicts, and what it is told of so many pictures.
  private func guided(
    _ network: NetworkPredictor, columns: Int, count: Int
  ) throws -> (any Predictor, Condition) {
    guard let captions else {
      let labels =
        columns == 0 ? nullClass.map { Array(repeating: $0, count: count) } : (0..<count).map { $0 % columns }
      return (network, Condition(labels: labels))
    }
    let conditions = try captions.previewed.map { try captions.reader.condition(of: $0) }
    let nothing = try captions.reader.condition(of: "").repeated(count)
    return (
      ClassifierFreeGuidance(network, unconditional: [nothing], scale: Self.guidance),
      .stacked((0..<count).map { conditions[$0 % columns] })
    )
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
