import Files
import Foundation
import Pictures

/// `metrics.jsonl`, one line an update, and the plot of its losses.
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

    private enum CodingKeys: String, CodingKey {
      case step, loss
      case gradientNorm = "gradient_norm"
      case learningRate = "learning_rate"
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
  public mutating func append(_ report: Trainer.Report) throws {
    let entry = Entry(
      step: report.step, loss: report.loss, gradientNorm: report.gradientNorm,
      learningRate: report.learningRate)
    entries.append(entry)
    do { try handle.write(contentsOf: Data(try Self.line(entry).utf8)) } catch {
      throw FileError(file: url.relativePath, reason: error.localizedDescription)
    }
  }

  private static func line(_ entry: Entry) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(entry), as: UTF8.self) + "\n"
  }

  /// The losses as SVG: each, in windows so that a long run stays a small file, and their running mean.
  public var plot: LinePlot {
    let window = max(1, entries.count / 400)
    var (points, smooth): ([(x: Double, y: Double)], [(x: Double, y: Double)]) = ([], [])
    var mean: Double?
    for start in stride(from: 0, to: entries.count, by: window) {
      let part = entries[start..<min(start + window, entries.count)]
      let loss = part.map { Double($0.loss) }.reduce(0, +) / Double(part.count)
      let x = Double(part.last?.step ?? 0)
      mean = mean.map { 0.95 * $0 + 0.05 * loss } ?? loss
      points.append((x: x, y: loss))
      smooth.append((x: x, y: mean ?? loss))
    }
    return LinePlot(
      title: "Training loss", xLabel: "step", yLabel: "loss", yScale: .logarithmic,
      series: [.init(name: "loss", points: points), .init(name: "running mean", points: smooth)])
  }
}
