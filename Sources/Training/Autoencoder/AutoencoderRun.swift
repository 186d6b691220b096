import Files
import Foundation
import Models
import Pictures
import Pipelines
import TensorCore

/// An autoencoder's run and its folder: diffusers' `AutoencoderKL` at every checkpoint, beside what a resume needs
/// (`training/`), `metrics.jsonl`, `loss.svg`, `quality.json` and `previews/`.
public final class AutoencoderRun {
  private let trainer: AutoencoderTrainer
  private let config: AutoencoderKLConfig
  private let checkpointEvery: Int
  private let folder: URL
  private var log: MetricsLog

  /// - Parameter checkpointEvery: updates between measurements, checkpoints and previews.
  /// - Throws: `FileError` where the folder cannot be made or written.
  public init(
    _ trainer: AutoencoderTrainer, _ config: AutoencoderKLConfig, checkpointEvery: Int, folder: URL
  ) throws {
    (self.trainer, self.config, self.checkpointEvery, self.folder) = (
      trainer, config, checkpointEvery, folder
    )
    try AtomicFile.makeFolder(folder.appending(path: "training"))
    try AtomicFile.makeFolder(folder.appending(path: "previews"))
    log = try MetricsLog(folder.appending(path: "metrics.jsonl"), stepsTaken: trainer.stepsTaken)
  }

  /// Trains to the end, or until `shouldStop`; either way the last update is saved.
  ///
  /// - Parameters:
  ///   - shouldStop: asked after every update.
  ///   - report: told of every update, and of the discriminator's loss where that takes part.
  ///   - measured: told how well held-out pictures are given back, at every checkpoint.
  /// - Throws: `TrainingError` for a loss that is not finite, after which the last checkpoint stands; `FileError`.
  public func run(
    shouldStop: () -> Bool, report: (Trainer.Report, Float?) -> Void,
    measured: (Int, ReconstructionQuality) -> Void
  ) throws -> TrainingRun.End {
    let steps = trainer.options.data.steps
    // A kill may have come between the last state and the model that belongs to it.
    if trainer.stepsTaken == steps { measured(steps, try saveModel()) }
    while trainer.stepsTaken < steps {
      let (result, discriminatorLoss) = try trainer.step()
      try log.append(result)
      report(result, discriminatorLoss)
      let stops = result.step < steps && shouldStop()
      if stops || result.step == steps || result.step % checkpointEvery == 0 {
        measured(result.step, try checkpoint())
      }
      if stops { return .interrupted }
    }
    return .finished
  }

  /// The state first: it alone decides where a resumed run goes on.
  private func checkpoint() throws -> ReconstructionQuality {
    try AutoencoderState.save(trainer, to: AutoencoderState.url(in: folder))
    return try saveModel()
  }

  private func saveModel() throws -> ReconstructionQuality {
    let quality = try ReconstructionQuality(trainer)
    var config = config
    config.scalingFactor = try trainer.scalingFactor()
    try VAEFolder.save(trainer.model.parameters.all, config, to: folder)
    try log.plot.write(to: folder.appending(path: "loss.svg"))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try AtomicFile.write(try encoder.encode(quality), to: folder.appending(path: "quality.json"))
    try preview()
    return quality
  }

  /// Held-out pictures over their reconstructions.
  private func preview() throws {
    let numbers = trainer.heldOut.isEmpty ? Array(0..<8) : Array(trainer.heldOut.prefix(8))
    let x = try trainer.batch(numbers[...])
    let y = withoutGradients { trainer.model.decode(trainer.model.encode(x).mean) }
    let url = folder.appending(path: "previews/step-\(String(format: "%06d", trainer.stepsTaken)).png")
    try Grid(columns: numbers.count).compose(Picture.batch(x) + Picture.batch(y), file: url.relativePath)
      .write(to: url)
  }
}
