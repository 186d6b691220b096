import Foundation

/// Why a file could not be written.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible, LocalizedError {
  /// The file that was to be written, as the user named it.
  public let file: String
  /// The system's reason, such as "no space left on device".
  public let reason: String

  /// An error for a file and the system's reason, in lower case and without a full stop.
  public init(file: String, reason: String) {
    self.file = file
    self.reason = reason
  }

  /// One sentence that names the file, what is wrong and what to do.
  public var description: String {
    "\(file) cannot be written (\(reason)); nothing was left behind: check the folder and its free space."
  }

  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}

/// Files that appear whole or not at all: written beside their place, forced to the disk, then renamed.
///
/// A place that is a symbolic link stays one: the file that it points to is replaced. Whoever reads the place meanwhile sees
/// the old file or the new one. After an error, a full disk included, the old file stands and nothing lies beside it; after a
/// power cut a `.name.….partial` may.
public enum AtomicFile {
  /// Writes `data` to `url`, replacing what is there.
  ///
  /// - Throws: `FileError`.
  public static func write(_ data: some ContiguousBytes, to url: URL) throws {
    try write(to: url) { try $0.append(data) }
  }

  /// Writes a file piece by piece, for contents that should not be in memory at once.
  ///
  /// - Parameters:
  ///   - url: the final place, replaced at the end.
  ///   - body: appends the contents; where it throws, nothing changes on disk.
  /// - Throws: `FileError`, or what `body` throws.
  public static func write(to url: URL, body: (inout Writer) throws -> Void) throws {
    let file = url.relativePath
    let url = try followed(url)
    var status = stat()
    if stat(url.path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      throw FileError(file: file, reason: "it is a folder")
    }
    let folder = url.deletingLastPathComponent().path
    // The process's number tells concurrent writers apart, the uptime clock the threads of one.
    let unique = "\(getpid())-\(DispatchTime.now().uptimeNanoseconds)"
    let partial = "\(folder)/.\(url.lastPathComponent.prefix(100)).\(unique).partial"

    let descriptor = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(file: file, reason: SystemError.text) }
    var isRenamed = false
    defer { if !isRenamed { unlink(partial) } }
    do {
      // Some file systems report a failed write only here, on close.
      var isOpen = true
      defer { if isOpen { close(descriptor) } }
      var writer = Writer(descriptor: descriptor, file: file)
      try body(&writer)
      guard fsync(descriptor) == 0 else { throw FileError(file: file, reason: SystemError.text) }
      isOpen = false
      guard close(descriptor) == 0 else { throw FileError(file: file, reason: SystemError.text) }
    }
    guard rename(partial, url.path) == 0 else { throw FileError(file: file, reason: SystemError.text) }
    isRenamed = true
    synchronise(folder: folder)
  }

  /// Where a chain of symbolic links ends, whether or not a file is there.
  ///
  /// - Throws: `FileError` for a chain without an end.
  package static func followed(_ url: URL) throws -> URL {
    var place = url
    // As many as Linux follows.
    for _ in 0..<40 {
      guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: place.path) else {
        return place
      }
      place =
        target.hasPrefix("/")
        ? URL(fileURLWithPath: target) : place.deletingLastPathComponent().appending(path: target)
    }
    throw FileError(file: url.relativePath, reason: "too many levels of symbolic links")
  }

  /// Makes a folder, and those above it, where there is none.
  ///
  /// - Throws: `FileError`.
  public static func makeFolder(_ url: URL) throws {
    var missing: [URL] = []
    var place = url
    var status = stat()
    while place.path != "/", stat(place.path, &status) != 0 {
      missing.append(place)
      place.deleteLastPathComponent()
    }
    if stat(place.path, &status) == 0, status.st_mode & S_IFMT != S_IFDIR {
      throw FileError(file: url.relativePath, reason: "\(place.relativePath) is a file")
    }
    for folder in missing.reversed() {
      // Another process may make it meanwhile.
      guard mkdir(folder.path, 0o777) == 0 || errno == EEXIST else {
        throw FileError(file: url.relativePath, reason: SystemError.text)
      }
    }
  }

  /// Forces the rename itself to the disk. Best effort: some file systems cannot, and the file is complete.
  private static func synchronise(folder: String) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  /// What `write(to:body:)` hands to its body.
  public struct Writer {
    fileprivate let descriptor: Int32
    fileprivate let file: String

    /// Appends bytes to the file.
    ///
    /// - Throws: `FileError`.
    public mutating func append(_ data: some ContiguousBytes) throws {
      try data.withUnsafeBytes { try append($0) }
    }

    /// Appends bytes to the file.
    ///
    /// - Throws: `FileError`.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) throws {
      var rest = bytes
      while let start = rest.baseAddress, !rest.isEmpty {
        let written = Foundation.write(descriptor, start, rest.count)
        if written < 0 && errno == EINTR { continue }
        guard written > 0 else { throw FileError(file: file, reason: SystemError.text) }
        rest = UnsafeRawBufferPointer(rebasing: rest[written...])
      }
    }
  }
}

/// The system's word for the last failed call, such as `no space left on device`.
package enum SystemError {
  package static var text: String {
    // In a sentence's middle: `no space left on device`.
    let text = String(cString: strerror(errno))
    return text.prefix(1).lowercased() + text.dropFirst()
  }
}
