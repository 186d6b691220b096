import ArgumentParser
import Foundation
import Pipelines
import Training

/// A run from its first step to its end, as the person at the terminal sees it.
enum TrainingSession {
  /// - Parameters:
  ///   - folder: the folder that it writes to.
  ///   - split: the pictures that it learns, and those that it is measured by.
  ///   - classes: how many those have; 0 for none.
  /// - Throws: `ExitCode` 130 where the run was stopped; whatever ended it.
  static func run(
    _ run: TrainingRun, of folder: RunFolder, on split: HeldOut, classes: Int, _ forecast: Forecast
  ) throws {
    introduce(run.trainer, split, classes: classes)
    forecast.announce(run.trainer.options.extent)
    folder.describeChanges(run.trainer.options)
    let progress = ProgressReport(run.trainer.options)
    Interruption.watch(
      "ending after this step, with a checkpoint; once more in 5 seconds or later ends at once, without one")
    let end = try run.run(
      shouldStop: { Interruption.isRequested }, progress: progress.report,
      note: {
        Console.endTransient()
        Console.note($0)
      })
    Console.endTransient()
    if end == .interrupted {
      Console.note("stopped; the same command with --resume, or 'darkroom resume' and the run, goes on")
      throw ExitCode(130)
    }
  }

  /// What is about to be trained, on what.
  private static func introduce(_ trainer: Trainer, _ split: HeldOut, classes: Int) {
    let count = trainer.learning.reduce(0) { $0 + $1.tensor.count }
    Console.note(
      "training \(count) parameters on \(split.learned.count.counted("picture"))"
        + (classes > 0 ? ", \(classes) classes" : "") + ", measured by \(split.description), "
        + trainer.options.threads.counted("thread"))
  }

  /// The pictures' latents, from the run's cache or encoded now.
  static func latents(
    _ pictures: PictureStore, _ codec: LatentSpace, _ options: TrainingOptions, in run: URL
  ) throws -> any ExampleSource {
    let hash = options.vae ?? ""
    let cache = run.appending(path: "training/latents-\(hash.prefix(12)).safetensors")
    let store = try LatentStore(pictures, codec, hash: hash, flips: options.flip, cache: cache) {
      done, total in
      Console.transient("encoding \(done)/\(total)")
    }
    Console.endTransient()
    Console.note(String(format: "latents %@ deviate by %.3f", "\(store.shape)", store.deviation))
    return store
  }
}

/// A line that a person watches, or one now and then for a file.
private final class ProgressReport {
  private static let secondsBetweenLines = 10.0

  private let options: TrainingOptions
  private let clock = Stopwatch()
  private var first: Int?
  private var mean = RunningMean(span: 20)
  private var lastLine = -60.0

  init(_ options: TrainingOptions) { self.options = options }

  func report(_ r: Trainer.Report) {
    let first = first ?? r.step
    self.first = first
    let mean = mean.add(Double(r.loss))
    let seconds = clock.seconds
    let isDue = seconds - lastLine >= Self.secondsBetweenLines || r.step == options.steps
    guard Console.isTerminal || isDue else { return }
    let done = r.step - first + 1
    let rate = Double(done * options.picturesPerStep) / seconds
    let left = seconds / Double(done) * Double(options.steps - r.step)
    let discriminator = r.others["discriminator_loss"].map { String(format: "discriminator %.3f  ", $0) }
    let line =
      String(format: "step %d/%d  loss %.4f (mean %.4f)  ", r.step, options.steps, r.loss, mean)
      + (discriminator ?? "") + String(format: "%.1f images/s  ", rate) + "\(Console.duration(left)) left"
    if Console.isTerminal {
      Console.transient(line)
    } else {
      lastLine = seconds
      Console.note(line)
    }
  }
}
