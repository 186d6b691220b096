import Files
import Foundation
import Models
import NN
import Pictures
import Pipelines
import Schedulers
import TensorCore

/// A training run and its folder: a diffusers pipeline of the averaged weights at every checkpoint, beside what a resume
/// needs (`training/`), `metrics.jsonl`, `loss.svg` and `previews/`.
public final class TrainingRun {
  /// When and what the run writes.
  public struct Outputs: Sendable {
    /// Updates between checkpoints; 0 for one at the end alone.
    public var checkpointEvery: Int
    /// Updates between previews; 0 for none.
    public var previewEvery: Int
    /// How a preview is made.
    public var previewCount: Int, previewSteps: Int

    /// - Parameters:
    ///   - checkpointEvery: in updates; 0 for the end alone.
    ///   - previewEvery: in updates; 0 for never.
    public init(checkpointEvery: Int, previewEvery: Int, previewCount: Int = 16, previewSteps: Int = 25) {
      (self.checkpointEvery, self.previewEvery) = (checkpointEvery, previewEvery)
      (self.previewCount, self.previewSteps) = (previewCount, previewSteps)
    }
  }

  /// How a run ended.
  public enum End: Sendable { case finished, interrupted }

  /// What is being trained.
  public let trainer: Trainer
  private let folder: URL
  private let scheduler: SchedulerConfig
  private let classes: [String]
  private let nullClass: Int?
  private let outputs: Outputs
  private let codec: LatentSpace?
  private let shape: [Int]
  private var log: MetricsLog

  /// - Parameters:
  ///   - classes: names by index; empty for a model without classes.
  ///   - codec: of a model of latents, which the folder then holds too.
  ///   - shape: of one example, `[C, H, W]`.
  /// - Throws: `FileError` where the folder cannot be made or written.
  public init(
    _ trainer: Trainer, _ scheduler: SchedulerConfig, classes: [String], nullClass: Int?, _ outputs: Outputs,
    codec: LatentSpace? = nil, shape: [Int], folder: URL
  ) throws {
    (self.codec, self.shape) = (codec, shape)
    (self.trainer, self.scheduler, self.classes, self.nullClass) = (trainer, scheduler, classes, nullClass)
    (self.outputs, self.folder) = (outputs, folder)
    try AtomicFile.makeFolder(folder.appending(path: "training"))
    log = try MetricsLog(folder.appending(path: "metrics.jsonl"), stepsTaken: trainer.stepsTaken)
  }

  /// Trains to the end, or until `shouldStop`; either way the last update is saved.
  ///
  /// - Parameters:
  ///   - shouldStop: asked after every update.
  ///   - report: told of every update.
  ///   - note: told of every file worth knowing of.
  /// - Throws: `TrainingError` for a loss that is not finite, after which the last checkpoint stands; `FileError`.
  public func run(
    shouldStop: () -> Bool, report: (Trainer.Report) -> Void, note: (String) -> Void
  ) throws -> End {
    // A kill may have come between the last state and the model that belongs to it.
    if trainer.stepsTaken == trainer.options.steps { try saveModel() }
    while trainer.stepsTaken < trainer.options.steps {
      let result = try trainer.step()
      try log.append(result)
      report(result)
      let isLast = result.step == trainer.options.steps
      let stops = !isLast && shouldStop()
      if isDue(outputs.previewEvery, result.step) || (isLast && outputs.previewEvery > 0) {
        note("preview: \(try preview(result.step).relativePath)")
      }
      if isLast || stops || isDue(outputs.checkpointEvery, result.step) {
        try checkpoint()
        note("checkpoint at step \(result.step): \(folder.relativePath)")
      }
      if stops { return .interrupted }
    }
    return .finished
  }

  private func isDue(_ every: Int, _ step: Int) -> Bool { every > 0 && step % every == 0 }

  /// The state first: it alone decides where a resumed run goes on.
  private func checkpoint() throws {
    try TrainingState.save(trainer, to: TrainingState.url(in: folder))
    try saveModel()
  }

  private func saveModel() throws {
    let averaged = zip(trainer.model.parameters.parameters, trainer.averages).map { ($0.key, $1) }
    let notes = ModelNotes(
      classes: classes.isEmpty ? nil : classes, nullClass: nullClass, trainedSteps: trainer.stepsTaken)
    try ModelFolder.save(
      averaged + trainer.model.parameters.buffers, trainer.config, scheduler, notes, vae: codec?.autoencoder,
      to: folder)
    try log.plot.write(to: folder.appending(path: "loss.svg"))
  }

  /// Pictures from the same noise each time, by DDIM with the averaged weights.
  private func preview(_ step: Int) throws -> URL {
    let averaged = Dictionary(
      uniqueKeysWithValues: zip(trainer.model.parameters.parameters.map(\.key), trainer.averages))
    let buffers = Dictionary(uniqueKeysWithValues: trainer.model.parameters.buffers)
    let model = try trainer.config.build(
      ParameterStore(.tensors(averaged.merging(buffers) { average, _ in average })))
    let labels = classes.isEmpty ? nil : (0..<outputs.previewCount).map { $0 % classes.count }
    let steps = min(outputs.previewSteps, scheduler.numTrainTimesteps)
    let loop = try DenoisingLoop(
      scheduler.with(scheduler.isFlow ? .flowMatchEuler : .ddim), .count(steps),
      predictor: NetworkPredictor(model, batchSize: outputs.previewCount),
      condition: Condition(labels: labels))
    var noise = Generator.philox.source(seed: trainer.options.seed)
    let latents = loop.run([outputs.previewCount] + shape, noise: &noise)
    let images = codec?.decoded(latents) ?? latents
    let url = folder.appending(path: "previews/step-\(String(format: "%06d", step)).png")
    try AtomicFile.makeFolder(url.deletingLastPathComponent())
    let columns = Int(Double(outputs.previewCount).squareRoot().rounded(.up))
    let grid = try Grid(columns: classes.isEmpty ? columns : min(classes.count, 8))
      .compose(Picture.batch(images), file: url.relativePath)
    try grid.write(to: url)
    return url
  }
}
