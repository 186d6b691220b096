import Files
import Foundation
import Pictures

/// A training run and its folder: a model at every checkpoint, beside what a resume needs (`training/`), `metrics.jsonl`,
/// `loss.svg`, `report.html`, `previews/` and, where they are kept, numbered models in `checkpoints/`.
public final class TrainingRun {
  /// When and what the run writes.
  public struct Outputs: Sendable {
    /// Updates between checkpoints; 0 for one at the end alone.
    public var checkpointEvery = 500
    /// Updates between previews; 0 for none.
    public var previewEvery = 500
    /// Updates between measurements at fixed noise; 0 for one at the end alone.
    public var validateEvery = 200
    /// How many numbered models are kept; 0 for none.
    public var keepCheckpoints = 0

    /// The defaults of the command line.
    public init() {}
  }

  /// How a run ended.
  public enum End: Sendable { case finished, interrupted }

  /// What is being trained.
  public let trainer: Trainer
  private let product: any RunProduct
  private let outputs: Outputs
  private let identity: RunIdentity
  private let lock: RunLock
  private let folder: URL
  private var log: MetricsLog
  private var report: RunReport

  /// - Parameters:
  ///   - product: what the run makes of the trainer's weights.
  ///   - identity: what a resumed run is compared by.
  ///   - lock: of `folder`, held as long as the run.
  ///   - command: as a shell would take it again, for the report.
  /// - Throws: `FileError` where the folder cannot be written.
  public init(
    _ trainer: Trainer, _ product: any RunProduct, _ outputs: Outputs, identity: RunIdentity, lock: RunLock,
    command: String, folder: URL
  ) throws {
    (self.trainer, self.product, self.outputs, self.identity) = (trainer, product, outputs, identity)
    (self.lock, self.folder) = (lock, folder)
    log = try MetricsLog(folder.appending(path: "metrics.jsonl"), stepsTaken: trainer.stepsTaken)
    report = RunReport(
      folder, command: command, identity: identity, steps: trainer.options.steps,
      stepsBefore: trainer.stepsTaken)
  }

  /// Trains to the end, or until `shouldStop`; either way the last update is saved.
  ///
  /// - Parameters:
  ///   - shouldStop: asked after every update.
  ///   - progress: told of every update.
  ///   - note: told of every file worth knowing of.
  /// - Throws: `TrainingError` for a run that has exploded, after which the last checkpoint stands; `FileError`.
  public func run(
    shouldStop: () -> Bool, progress: (Trainer.Report) -> Void, note: (String) -> Void
  ) throws -> End {
    do {
      try report.write(log, .running)
      try catchUp(note)
      let end = try train(shouldStop, progress, note)
      try report.write(log, end == .finished ? .finished : .stopped)
      return end
    } catch {
      // The failure itself is what the user must hear of, not that it could not be noted.
      if let error = error as? TrainingError { try? Divergence(error, after: trainer).write(to: folder) }
      try? report.write(log, .failed(error.localizedDescription))
      throw error
    }
  }

  private func train(
    _ shouldStop: () -> Bool, _ progress: (Trainer.Report) -> Void, _ note: (String) -> Void
  ) throws -> End {
    while trainer.stepsTaken < trainer.options.steps {
      let result = try trainer.step()
      let isLast = result.step == trainer.options.steps
      let stops = !isLast && shouldStop()
      let validates = isLast || isDue(outputs.validateEvery, result.step)
      let checkpoints = isLast || stops || isDue(outputs.checkpointEvery, result.step)
      let validation = try validates || checkpoints ? validated(result.step) : nil
      // One for a checkpoint alone is not logged: a run that was stopped has the log of one that never was.
      try log.append(result, validates ? validation : nil)
      progress(result)
      if isDue(outputs.previewEvery, result.step) || (isLast && outputs.previewEvery > 0) {
        note("preview: \(try preview(result.step).relativePath)")
      }
      if checkpoints {
        try checkpoint(note)
        note("checkpoint at step \(result.step): \(folder.relativePath)")
      }
      if stops { return .interrupted }
      try report.writeNowAndThen(log)
    }
    return .finished
  }

  private func isDue(_ every: Int, _ step: Int) -> Bool { every > 0 && step % every == 0 }

  /// Weights are saved only after they were found sound: a loss is known of those before an update, not after it.
  private func validated(_ step: Int) throws -> Validation {
    let validation = try trainer.objective.validate()
    guard !validation.hasExploded else {
      throw TrainingError.exploded(
        step: step, loss: validation.loss, lossOfZeros: validation.lossOfZeros)
    }
    return validation
  }

  /// Writes what belongs to the last state and a kill may have come before.
  private func catchUp(_ note: (String) -> Void) throws {
    let step = trainer.stepsTaken
    guard step > 0 else { return }
    try saveModel(note)
    let isPreviewed = FileManager.default.fileExists(atPath: previewURL(step).path)
    if isDue(outputs.previewEvery, step), !isPreviewed {
      note("preview: \(try preview(step).relativePath)")
    }
  }

  /// The state first: it alone decides where a resumed run goes on.
  private func checkpoint(_ note: (String) -> Void) throws {
    try TrainingState.save(trainer, identity, to: TrainingState.url(in: folder))
    Divergence.forget(in: folder)
    try saveModel(note)
  }

  private func saveModel(_ note: (String) -> Void) throws {
    if let words = try product.write(trainer, to: folder) { note("step \(trainer.stepsTaken): \(words)") }
    try log.plot.write(to: folder.appending(path: "loss.svg"))
    let step = trainer.stepsTaken
    guard outputs.keepCheckpoints > 0,
      isDue(outputs.checkpointEvery, step) || step == trainer.options.steps
    else { return }
    try NumberedModels(folder).keep(product.files, step: step, most: outputs.keepCheckpoints)
  }

  private func previewURL(_ step: Int) -> URL {
    folder.appending(path: "previews/step-\(String(format: "%06d", step)).png")
  }

  private func preview(_ step: Int) throws -> URL {
    let url = previewURL(step)
    try AtomicFile.makeFolder(url.deletingLastPathComponent())
    try product.preview(trainer).write(to: url)
    return url
  }
}
