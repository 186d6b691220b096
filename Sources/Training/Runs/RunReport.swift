import Files
import Foundation
import Pictures

/// `report.html`: how a run stands, in one file that needs no other, rewritten as the run goes.
struct RunReport {
  /// What the run is doing.
  enum Status {
    case running, finished, stopped
    case failed(String)
  }

  private let folder: URL
  private let command: String
  private let identity: RunIdentity
  private let (steps, stepsBefore): (Int, Int)
  private let start = Date()
  private var written = Date.distantPast

  /// - Parameters:
  ///   - steps: of the whole run.
  ///   - stepsBefore: that were made when this process began.
  init(_ folder: URL, command: String, identity: RunIdentity, steps: Int, stepsBefore: Int) {
    (self.folder, self.command, self.identity) = (folder, command, identity)
    (self.steps, self.stepsBefore) = (steps, stepsBefore)
  }

  private static let secondsBetween: TimeInterval = 15

  /// Writes the report of a running run, if the last one is old enough.
  ///
  /// - Throws: `FileError`.
  mutating func writeNowAndThen(_ log: MetricsLog) throws {
    if Date().timeIntervalSince(written) >= Self.secondsBetween { try write(log, .running) }
  }

  /// Writes the report.
  ///
  /// - Throws: `FileError`.
  mutating func write(_ log: MetricsLog, _ status: Status) throws {
    written = Date()
    try AtomicFile.write(Data(html(log, status).utf8), to: folder.appending(path: "report.html"))
  }

  private func html(_ log: MetricsLog, _ status: Status) -> String {
    let name = Self.escaped(folder.lastPathComponent)
    var isRunning = false
    if case .running = status { isRunning = true }
    return """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8"><title>\(name)</title>
      \(isRunning ? "<meta http-equiv=\"refresh\" content=\"15\">" : "")
      <meta name="viewport" content="width=device-width">
      <style>
      body { font: 15px/1.5 Helvetica, Arial, sans-serif; color: #323232; max-width: 1100px; margin: 2em auto; padding: 0 1em }
      svg { max-width: 100%; height: auto } figure { display: inline-block; margin: 0 1em 1em 0; vertical-align: top }
      figcaption { color: #777; font-size: 13px } img { image-rendering: pixelated; max-width: 100% }
      table { border-collapse: collapse; font-size: 13px } td { padding: .1em 1em .1em 0; border-bottom: 1px solid #eee; word-break: break-all }
      code { background: #f4f4f4; padding: .6em; display: block; white-space: pre-wrap; word-break: break-all }
      progress { width: 100%; height: 1.2em }
      </style></head><body>
      <h1>\(name)</h1>
      \(standing(log, status))
      \(curves(log))
      \(previews)
      <h2>Command</h2><code>\(Self.escaped(command))</code>
      <h2>What decides the run</h2>
      <table>\(identity.entries.map { "<tr><td>\(Self.escaped($0.name))</td><td>\(Self.escaped($0.value))</td></tr>" }.joined(separator: "\n"))</table>
      </body></html>

      """
  }

  /// How far the run is, and what is left.
  private func standing(_ log: MetricsLog, _ status: Status) -> String {
    let step = log.entries.last?.step ?? stepsBefore
    let words: String
    switch status {
    case .finished: words = "Finished."
    case .stopped: words = "Stopped with a checkpoint; --resume goes on."
    case .failed(let reason): words = "Ended: \(reason)"
    case .running:
      let (done, seconds) = (step - stepsBefore, Date().timeIntervalSince(start))
      words =
        done > 0 ? "\(Self.duration(seconds / Double(done) * Double(steps - step))) left." : "Just begun."
    }
    var numbers = "Step \(step) of \(steps)"
    if let last = log.entries.last { numbers += String(format: ", loss %.4f", last.loss) }
    if let validation = log.entries.last(where: { $0.validationLoss != nil }) {
      numbers += String(
        format: ", validation loss %.4f at step %d", validation.validationLoss ?? 0, validation.step)
    }
    return "<progress max=\"\(steps)\" value=\"\(step)\"></progress>"
      + "<p><b>\(Self.escaped(words))</b> \(numbers). Written \(written.formatted(.iso8601)).</p>"
  }

  private func curves(_ log: MetricsLog) -> String {
    guard !log.entries.isEmpty else { return "" }
    let svgs = [log.plot, log.ratePlot, log.gradientPlot].map { plot in
      // Within HTML a document's own declaration has no place.
      plot.svg.split(separator: "\n").filter { !$0.hasPrefix("<?xml") }.joined(separator: "\n")
    }
    return "<h2>Curves</h2>\n" + svgs.joined(separator: "\n")
  }

  private static let mostPreviews = 16

  /// The newest first; of many, some from the whole of the run.
  private var previews: String {
    let folder = folder.appending(path: "previews")
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
      .filter { $0.hasPrefix("step-") && $0.hasSuffix(".png") }.sorted()
    guard !names.isEmpty else { return "" }
    let count = min(names.count, Self.mostPreviews)
    let some = (0..<count).map { names[names.count - 1 - $0 * (names.count - 1) / max(1, count - 1)] }
    let figures = some.compactMap { name in
      (try? Data(contentsOf: folder.appending(path: name))).map { data in
        let step = name.dropFirst(5).dropLast(4).drop { $0 == "0" }
        return "<figure><img alt=\"Preview at step \(step)\" src=\"data:image/png;base64,"
          + data.base64EncodedString() + "\"><figcaption>step \(step)</figcaption></figure>"
      }
    }
    return "<h2>Previews</h2>\n" + figures.joined(separator: "\n")
  }

  private static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "–" }
    let s = Int(seconds.rounded())
    return s < 60
      ? "\(s) s" : s < 3600 ? "\(s / 60) min \(s % 60) s" : "\(s / 3600) h \(s / 60 % 60) min"
  }

  private static func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
      .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
  }
}
