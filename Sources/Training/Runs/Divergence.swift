import Files
import Foundation

/// `training/diverged.json`: that the run's last attempt to go on exploded, so that the next may change how fast it learns.
public struct Divergence: Codable, Sendable, Equatable {
  /// The update at which it was seen, and the rate of that update.
  public let step: Int
  /// The peak of the learning rate then.
  public let learningRate: Float

  /// The options that a run may change once it has exploded.
  public static let remedies: Set<String> = ["--learning-rate", "--warmup", "--clip-gradient"]

  init(_ error: TrainingError, after trainer: Trainer) {
    step =
      switch error {
      case .notFinite(let step, _), .exploded(let step, _, _): step
      }
    learningRate = trainer.options.learningRate.peak
  }

  private static func url(in run: URL) -> URL { run.appending(path: "training/diverged.json") }

  /// What the run in a folder ran into since its last checkpoint; nil for nothing.
  public static func known(in run: URL) -> Divergence? {
    (try? Data(contentsOf: url(in: run))).flatMap { try? JSONDecoder().decode(Divergence.self, from: $0) }
  }

  func write(to run: URL) throws {
    try AtomicFile.write(try JSONEncoder().encode(self), to: Self.url(in: run))
  }

  static func forget(in run: URL) { try? FileManager.default.removeItem(at: url(in: run)) }
}
