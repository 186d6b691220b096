import Foundation

/// Ctrl-C and termination: the first asks for a checkpoint, the second ends at once.
enum Interruption {
  // Written by the signal handler alone, read between steps; a stale read costs one more step.
  nonisolated(unsafe) private static var count: sig_atomic_t = 0

  static var wanted: Bool { count > 0 }

  static func watch() {
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        Interruption.count += 1
        if Interruption.count > 1 { _exit(128 + number) }
      }
    }
  }
}
