import Foundation
import Models
import NN
import Pictures
import Pipelines
import Schedulers
import TensorCore

/// A ControlNet's folder, as `ControlNetFolder` opens one.
public struct ControlNetProduct: RunProduct {
  private let config: any ControlNetConfig
  private let base: any Denoiser
  private let scheduler: SchedulerConfig
  private let examples: any ExampleSource
  private let previewed: [Int]
  private let unconditional: Condition?
  private let codec: LatentSpace?

  /// - Parameters:
  ///   - base: what is steered, by its scheduler.
  ///   - previewed: examples that previews are steered to, by number.
  ///   - unconditional: what the base is told where nothing is known of an example; nil for one that is told nothing.
  ///   - codec: of a base of latents.
  public init(
    _ config: any ControlNetConfig, base: any Denoiser, _ scheduler: SchedulerConfig,
    examples: any ExampleSource, previewed: [Int], unconditional: Condition?, codec: LatentSpace?
  ) {
    (self.config, self.base, self.scheduler, self.examples) = (config, base, scheduler, examples)
    (self.previewed, self.unconditional, self.codec) = (
      Array(previewed.prefix(Self.most)), unconditional, codec
    )
  }

  /// What makes up the ControlNet.
  public let files = ["diffusion_pytorch_model.safetensors", "config.json"]

  /// Writes the ControlNet.
  ///
  /// - Throws: `FileError`.
  public func write(_ trainer: Trainer, to folder: URL) throws -> String? {
    try ControlNetFolder.save(trainer.averaged, config, to: folder)
    return nil
  }

  private static let (most, steps) = (8, 25)

  /// What steers, over what the base makes of it from the same noise each time, by DDIM.
  public func preview(_ trainer: Trainer) throws -> Picture {
    let control = try config.build(
      ParameterStore(.tensors(Dictionary(uniqueKeysWithValues: trainer.averaged.map { ($0.key, $0.tensor) })))
    )
    let hints = Tensor.stacked(
      try previewed.compactMap { try examples.hint($0, place: (0.5, 0.5), mirrored: false) })
    var condition =
      try unconditional.map { unconditional in
        .stacked(try previewed.map { try examples.condition($0, visit: nil) ?? unconditional })
      } ?? Condition.none
    condition.hint = hints
    let loop = try DenoisingLoop(
      scheduler.with(scheduler.isFlow ? .flowMatchEuler : .ddim),
      .count(min(Self.steps, scheduler.numTrainTimesteps)),
      predictor: NetworkPredictor(SteeredDenoiser(base, control), batchSize: Self.most), condition: condition)
    var noise = Generator.philox.source(seed: trainer.options.seed)
    let latents = loop.run([previewed.count] + examples.shape, noise: &noise)
    let pictures = Picture.batch(2 * hints + -1) + Picture.batch(codec?.decoded(latents) ?? latents)
    return try Grid(columns: previewed.count).compose(pictures.map(\.enlargedToBeSeen))
  }
}
