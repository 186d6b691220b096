import Foundation

/// What the program says: results on standard output, everything else on standard error.
enum Console {
  /// Whether a person is looking: then progress is one line that rewrites itself.
  static let isTerminal = isatty(STDERR_FILENO) == 1

  static func error(_ line: String) { write(line + "\n") }

  /// A note that stays.
  static func note(_ line: String) { write((isTerminal ? "\r\u{1B}[K" : "") + line + "\n") }

  /// A line that the next replaces; only for a terminal.
  static func transient(_ line: String) {
    if isTerminal { write("\r\u{1B}[K" + line) }
  }

  /// Ends a transient line.
  static func endTransient() { transient("") }

  private static func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

  /// Seconds as `3 s`, `2 min 05 s` or `1 h 07 min`.
  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0 else { return "–" }
    let s = Int(seconds.rounded())
    if s < 60 { return "\(s) s" }
    if s < 3600 { return String(format: "%d min %02d s", s / 60, s % 60) }
    return String(format: "%d h %02d min", s / 3600, s / 60 % 60)
  }
}
