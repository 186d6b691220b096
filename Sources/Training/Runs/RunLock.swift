import Files
import Foundation

/// The right to train into a folder: one process has it, and it ends with that process, however that ends.
public final class RunLock {
  private let descriptor: Int32

  /// Makes the run's `training/` where there is none, and takes the lock.
  ///
  /// Where a file system knows no locks, none is taken.
  ///
  /// - Throws: `RunLockError` where another process trains there; `FileError` where the folder cannot be written.
  public init(_ run: URL) throws {
    let folder = run.appending(path: "training")
    try AtomicFile.makeFolder(folder)
    let file = folder.appending(path: "lock")
    descriptor = open(file.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(file: file.relativePath, reason: SystemError.text) }
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
      var digits = [UInt8](repeating: 0, count: 20)
      let count = pread(descriptor, &digits, digits.count, 0)
      close(descriptor)
      let process = Int32(String(decoding: digits.prefix(max(0, count)), as: UTF8.self))
      throw RunLockError(run: run.relativePath, process: process)
    }
    let text = Array("\(getpid())".utf8)
    ftruncate(descriptor, 0)
    _ = pwrite(descriptor, text, text.count, 0)
  }

  deinit { close(descriptor) }
}

/// Another process trains into the folder.
public struct RunLockError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// The run's folder.
  public let run: String
  /// The number of the process, where it is known.
  public let process: Int32?

  /// One sentence for the user.
  public var description: String {
    let who = process.map { "process \($0)" } ?? "another process"
    return "\(run) is being trained by \(who); wait for it or stop it, or name another folder."
  }
  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}
