import Foundation

/// What the program says: results on standard output, everything else on standard error.
///
/// A result that cannot be written is a failure of the command. What is said beside it is not: a closed terminal or a full
/// log stops no work.
enum Console {
  /// Whether a person is looking: then progress is one line that rewrites itself.
  static let isTerminal = isatty(STDERR_FILENO) == 1

  /// Whether notes and progress are left out; set once, before any work, by the one thread that reads options.
  nonisolated(unsafe) static var isQuiet = false

  /// When the last line of progress was written, in seconds; commands report from their main thread alone.
  nonisolated(unsafe) private static var lastProgress = -Double.infinity

  /// Seconds between lines of progress where no terminal shows them.
  static let progressInterval = 5.0

  /// A line of the command's result.
  ///
  /// - Throws: `Failure` where standard output does not take it.
  static func print(_ line: String = "", terminator: String = "\n") throws {
    switch write(line + terminator, to: STDOUT_FILENO) {
    case 0: return
    // Whoever read the beginning of it, as `head` does, wants no more and no sentence about it.
    case EPIPE: throw Failure("", status: .outputClosed)
    case let error:
      throw Failure(
        "standard output cannot be written (\(SystemMessage.text(error))), so the result is lost.")
    }
  }

  /// What went wrong: said whatever `isQuiet` is.
  static func error(_ line: String) { say((isTerminal ? "\r\u{1B}[K" : "") + line + "\n") }

  /// A note that stays.
  static func note(_ line: String) {
    if !isQuiet { error(line) }
  }

  /// A line that the next replaces; only for a terminal.
  static func transient(_ line: String) {
    if isTerminal && !isQuiet { say("\r\u{1B}[K" + line) }
  }

  /// Ends a transient line.
  static func endTransient() { transient("") }

  /// How far the work is: a line that the next replaces on a terminal, and one every few seconds elsewhere.
  static func progress(_ line: @autoclosure () -> String) {
    if isTerminal { return transient(line()) }
    let now = Double(DispatchTime.now().uptimeNanoseconds) / 1e9
    if lastProgress == -.infinity { lastProgress = now }
    guard now - lastProgress >= progressInterval else { return }
    lastProgress = now
    note(line())
  }

  /// Standard error may be closed, full or a terminal that is gone; there is no one to tell, so the work goes on.
  private static func say(_ text: String) { _ = write(text, to: STDERR_FILENO) }

  /// Writes all of it.
  ///
  /// - Returns: 0, or the number of the system's error.
  private static func write(_ text: String, to descriptor: Int32) -> Int32 {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0 {
        if errno == EINTR { continue }
        return errno
      }
      bytes = bytes.dropFirst(written)
    }
    return 0
  }

  /// Seconds as `3 s`, `2 min 05 s` or `1 h 07 min`.
  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e15 else { return "–" }
    let s = Int(seconds.rounded())
    if s < 60 { return "\(s) s" }
    if s < 3600 { return String(format: "%d min %02d s", s / 60, s % 60) }
    return String(format: "%d h %02d min", s / 3600, s / 60 % 60)
  }
}

/// Words of the system and for numbers, as they stand in a sentence.
enum SystemMessage {
  /// The text of an error's number, such as `no space left on device`.
  static func text(_ error: Int32) -> String {
    let text = String(cString: strerror(error))
    return text.prefix(1).lowercased() + text.dropFirst()
  }
}

extension Int {
  /// `1 picture`, `2 pictures`.
  func counted(_ noun: String) -> String { "\(self) \(noun)\(self == 1 ? "" : "s")" }
}
