import Files
import Foundation
import Pictures

/// `metrics.jsonl`, one line an update, and the plots of it.
///
/// A resumed run cuts off what was written after its checkpoint, so that the file ends as if the run had never stopped.
public struct MetricsLog {
  /// One line.
  public struct Entry: Codable, Sendable, Equatable {
    /// Counted from 1.
    public let step: Int
    /// Mean over the update's pictures.
    public let loss: Float
    let gradientNorm: Float
    let learningRate: Float
    /// At fixed noise, where it was measured after this update.
    public let validationLoss: Float?
    let discriminatorLoss: Float?
    /// What else was measured with it, by name.
    public let measures: [String: Float]?

    private enum CodingKeys: String, CodingKey {
      case step, loss, measures
      case gradientNorm = "gradient_norm"
      case learningRate = "learning_rate"
      case validationLoss = "validation_loss"
      case discriminatorLoss = "discriminator_loss"
    }
  }

  private let url: URL
  private let handle: FileHandle
  /// All lines so far.
  public private(set) var entries: [Entry] = []

  /// Opens the log of a run that has made `stepsTaken` updates.
  ///
  /// - Throws: `FileError`.
  public init(_ url: URL, stepsTaken: Int) throws {
    self.url = url
    if stepsTaken > 0, let text = try? String(contentsOf: url, encoding: .utf8) {
      let decoder = JSONDecoder()
      entries = text.split(separator: "\n").compactMap {
        try? decoder.decode(Entry.self, from: Data($0.utf8))
      }
      .filter { $0.step <= stepsTaken }
    }
    try AtomicFile.write(Data(try entries.map(Self.line).joined().utf8), to: url)
    handle = try FileHandle(forWritingTo: url)
    try handle.seekToEnd()
  }

  /// Adds a line.
  ///
  /// - Throws: `FileError` where it cannot be written.
  public mutating func append(_ report: Trainer.Report, _ validation: Validation? = nil) throws {
    let entry = Entry(
      step: report.step, loss: report.loss, gradientNorm: report.gradientNorm,
      learningRate: report.learningRate, validationLoss: validation?.loss,
      discriminatorLoss: report.others["discriminator_loss"],
      measures: validation.flatMap { $0.measures.isEmpty ? nil : $0.measures })
    entries.append(entry)
    do { try handle.write(contentsOf: Data(try Self.line(entry).utf8)) } catch {
      throw FileError(file: url.relativePath, reason: SystemError.text)
    }
  }

  private static func line(_ entry: Entry) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(entry), as: UTF8.self) + "\n"
  }

  // MARK: Plots

  /// The losses: of each update, their running mean, and those at fixed noise.
  public var plot: LinePlot {
    var series: [LinePlot.Series] = [
      .init(name: "loss", points: windowed { Double($0.loss) }),
      .init(name: "running mean", points: runningMean),
    ]
    let validations = entries.compactMap { entry in
      entry.validationLoss.map { (x: Double(entry.step), y: Double($0)) }
    }
    if !validations.isEmpty { series.append(.init(name: "validation", points: validations)) }
    return LinePlot(
      title: "Training loss", xLabel: "step", yLabel: "loss", yScale: .logarithmic, series: series)
  }

  /// The learning rate over the run.
  var ratePlot: LinePlot {
    LinePlot(
      title: "Learning rate", xLabel: "step", yLabel: "rate",
      series: [.init(name: "rate", points: windowed { Double($0.learningRate) })], height: 260)
  }

  /// The norm of the gradient, before it was clipped.
  var gradientPlot: LinePlot {
    LinePlot(
      title: "Norm of the gradient", xLabel: "step", yLabel: "norm", yScale: .logarithmic,
      series: [.init(name: "norm", points: windowed { Double($0.gradientNorm) })], height: 260)
  }

  /// Means over windows, so that a long run stays a small file.
  private func windowed(_ value: (Entry) -> Double) -> [(x: Double, y: Double)] {
    let window = max(1, entries.count / 400)
    return stride(from: 0, to: entries.count, by: window).map { start in
      let part = entries[start..<min(start + window, entries.count)]
      return (x: Double(part.last?.step ?? 0), y: part.map(value).reduce(0, +) / Double(part.count))
    }
  }

  /// The exponential mean over a fiftieth of the run, freed of its start as Adam's moments are; it begins where it is a mean
  /// of that many losses.
  private var runningMean: [(x: Double, y: Double)] {
    let span = max(20, entries.count / 50)
    let every = max(1, entries.count / 400)
    var mean = RunningMean(span: span)
    return entries.enumerated().compactMap { i, entry in
      let value = mean.add(Double(entry.loss))
      guard i + 1 >= min(span, entries.count), (i + 1) % every == 0 || i + 1 == entries.count else {
        return nil
      }
      return (x: Double(entry.step), y: value)
    }
  }
}

/// An exponential mean that the first value does not outweigh: m/(1 − βⁿ).
public struct RunningMean {
  private let decay: Double
  private var (sum, weight) = (0.0, 0.0)

  /// - Parameter span: over about how many values.
  public init(span: Int) { decay = 1 - 1 / Double(max(1, span)) }

  /// Takes a value and gives the mean so far.
  public mutating func add(_ value: Double) -> Double {
    sum = decay * sum + (1 - decay) * value
    weight = decay * weight + (1 - decay)
    return sum / weight
  }
}
