import Foundation

/// The three standard streams and the signals about them, made harmless before anything else happens.
enum Streams {
  static func settle() {
    // A write to a pipe that nobody reads, or beyond a limit of file sizes, fails with an error instead of a signal.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    // The first file that is opened takes the number of a closed stream, and would get what is said there. What is opened
    // here cannot be written, so that a result for a closed output is known to be lost.
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
      _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }
}
