import Foundation

/// The wish to stop: Ctrl-C, termination, or a terminal that was closed.
///
/// The first asks for an end in good order: a checkpoint, or between two steps. More of them in the next seconds are taken for
/// the same wish, so that a key pressed twice loses nothing; one after that ends the program at once, and the steps since
/// the last checkpoint with it. A closed terminal never does, since no one is there to mean it.
enum Interruption {
  /// Seconds in which signals mean what the first meant.
  private static let patience = 5

  // Written by the signal handler alone, read between steps; a stale read costs one more step.
  nonisolated(unsafe) private static var isWanted: sig_atomic_t = 0
  nonisolated(unsafe) private static var firstAt = 0
  // Set before the handler is.
  nonisolated(unsafe) private static var words: StaticString = ""

  static var isRequested: Bool { isWanted > 0 }

  /// Answers signals from here on.
  ///
  /// - Parameter words: what is said to the first: what it will come to, and what one more does.
  static func watch(_ words: StaticString) {
    self.words = words
    for number in [SIGINT, SIGTERM] { signal(number) { Interruption.handle($0) } }
    // `nohup` has it ignored, and means that.
    let before = signal(SIGHUP) { Interruption.handle($0) }
    let isIgnored = unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    if isIgnored { signal(SIGHUP, SIG_IGN) }
  }

  /// Calls only what a signal handler may: the clock, a write, the end.
  private static func handle(_ number: Int32) {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    if isWanted == 0 {
      isWanted = 1
      firstAt = now.tv_sec
      _ = write(STDERR_FILENO, "\n", 1)
      _ = write(STDERR_FILENO, words.utf8Start, words.utf8CodeUnitCount)
      _ = write(STDERR_FILENO, "\n", 1)
    } else if number != SIGHUP, now.tv_sec - firstAt >= patience {
      _exit(128 + number)
    }
  }
}
