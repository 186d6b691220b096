import Files
import Foundation
import Models
import Pictures
import Pipelines
import Schedulers
import TensorCore

/// A classifier's folder, beside `quality.json`.
public struct ClassifierProduct: RunProduct {
  private let objective: ClassifierObjective
  private let scheduler: SchedulerConfig?
  private let classes: [String]

  /// - Parameters:
  ///   - scheduler: the noise that it was trained with; nil for none.
  ///   - classes: names by index.
  public init(_ objective: ClassifierObjective, _ scheduler: SchedulerConfig?, classes: [String]) {
    (self.objective, self.scheduler, self.classes) = (objective, scheduler, classes)
  }

  /// What makes up the classifier.
  public let files = ClassifierFolder.files + ["quality.json", "config.json"]

  /// Writes the classifier and how often it is right.
  ///
  /// - Throws: `FileError`, or `PictureError` where a picture cannot be read.
  public func write(_ trainer: Trainer, to folder: URL) throws -> String? {
    let quality = ClassifierQuality(try objective.judgements(), objective)
    try ClassifierFolder.save(
      trainer.averaged, objective.model.config, scheduler,
      ModelNotes(classes: classes, trainedSteps: trainer.stepsTaken), to: folder)
    try AtomicFile.write(try JSONForm.encoder.encode(quality), to: folder.appending(path: "quality.json"))
    return "\(quality.description), over \(objective.split.description)"
  }

  private static let mostClasses = 256

  /// What each class is taken for over all levels of noise: a row a class, a column what it is taken for, the darker the more
  /// often.
  public func preview(_ trainer: Trainer) throws -> Picture {
    let count = min(classes.count, Self.mostClasses)
    var often = Array(repeating: 0, count: count * count)
    var total = Array(repeating: 0, count: count)
    for judgement in try objective.judgements() where max(judgement.label, judgement.judged) < count {
      often[judgement.label * count + judgement.judged] += 1
      total[judgement.label] += 1
    }
    let pixels = often.enumerated().flatMap { i, times in
      Array(repeating: UInt8(255 - 255 * times / max(1, total[i / count])), count: 3)
    }
    return Picture(width: count, height: count, pixels: pixels).enlargedToBeSeen
  }
}

/// How often a classifier is right.
public struct ClassifierQuality: Codable, Sendable, Equatable {
  /// Over some of the timesteps.
  public struct Band: Codable, Sendable, Equatable {
    /// The first and the last timestep.
    public let first: Int, last: Int
    /// The share of pictures whose likeliest class is theirs.
    public let accuracy: Double
  }

  /// The share of pictures, over all levels of noise, whose likeliest class is theirs.
  public let accuracy: Double
  /// The same by level of noise, ascending; none for a classifier of pictures without noise.
  public let bands: [Band]

  init(_ judgements: [ClassifierObjective.Judgement], _ objective: ClassifierObjective) {
    func share(_ some: [ClassifierObjective.Judgement]) -> Double {
      Double(some.count(where: \.isRight)) / Double(max(1, some.count))
    }
    accuracy = share(judgements)
    bands = (objective.noise == nil ? 0..<0 : 0..<objective.bands).map { band in
      let range = objective.timesteps(band: band)
      return Band(
        first: range.lowerBound, last: range.upperBound,
        accuracy: share(judgements.filter { $0.band == band }))
    }
  }

  /// Each number by its name in the log of a run.
  var measures: [String: Float] {
    bands.reduce(into: ["accuracy": Float(accuracy)]) {
      $0["accuracy_\($1.first)_\($1.last)"] = Float($1.accuracy)
    }
  }

  /// In words.
  public var description: String {
    func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
    let parts = bands.map { "\($0.first) to \($0.last) \(percent($0.accuracy))" }
    return "accuracy \(percent(accuracy))"
      + (parts.isEmpty ? "" : " (timesteps " + parts.joined(separator: ", ") + ")")
  }
}
