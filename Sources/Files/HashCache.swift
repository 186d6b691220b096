import Foundation

/// Hashes of large files, remembered between runs: a model's are needed at every sample and change with its file alone.
///
/// A file is known by its path, size and times. Whatever goes wrong with the cache costs time and nothing else.
public struct HashCache {
  private let file: URL?
  private let smallest: Int
  private static let mostEntries = 256

  private struct Entry: Codable, Equatable {
    let size: Int
    /// Of the last change to the contents and of the last to anything, in nanoseconds.
    let modified: Int
    let changed: Int
    var hash: String
  }

  /// - Parameters:
  ///   - file: where hashes are remembered; in the user's folder for caches unless given.
  ///   - smallest: the size in bytes from which a file is remembered; smaller ones are hashed as fast.
  public init(file: URL? = nil, smallest: Int = 8 << 20) {
    (self.file, self.smallest) = (file ?? Self.userFile, smallest)
  }

  /// `$XDG_CACHE_HOME/darkroom/hashes.json`, or the same below `~/.cache`; nil where there is no home.
  private static var userFile: URL? {
    let environment = ProcessInfo.processInfo.environment
    let folder =
      environment["XDG_CACHE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
      ?? environment["HOME"].flatMap { $0.hasPrefix("/") ? "\($0)/.cache" : nil }
    return folder.map { URL(fileURLWithPath: $0).appending(path: "darkroom/hashes.json") }
  }

  /// The SHA-256 of a file's bytes, as 64 hexadecimal digits.
  ///
  /// - Throws: what reading the file throws.
  public func sha256(of url: URL) throws -> String {
    let path = url.resolvingSymlinksInPath().path
    guard let file, let before = Self.entry(path), before.size >= smallest else {
      return try SHA256.hex(of: url)
    }
    var entries =
      (try? Data(contentsOf: file)).flatMap { try? JSONDecoder().decode([String: Entry].self, from: $0) }
      ?? [:]
    if var known = entries[path] {
      let hash = known.hash
      known.hash = ""
      if known == before { return hash }
    }
    var entry = before
    entry.hash = try SHA256.hex(of: url)
    // A file that was written meanwhile has a hash of neither state.
    guard Self.entry(path) == before else { return entry.hash }
    if entries.count >= Self.mostEntries { entries = entries.filter { Self.entry($0.key) != nil } }
    if entries.count >= Self.mostEntries { entries = [:] }
    entries[path] = entry
    if let data = try? JSONEncoder().encode(entries) {
      try? AtomicFile.makeFolder(file.deletingLastPathComponent())
      try? AtomicFile.write(data, to: file)
    }
    return entry.hash
  }

  /// What is known of a file without reading it, its hash left empty; nil where it is not there.
  private static func entry(_ path: String) -> Entry? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    func nanoseconds(_ time: timespec) -> Int { Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec) }
    return Entry(
      size: Int(status.st_size), modified: nanoseconds(status.st_mtim),
      changed: nanoseconds(status.st_ctim), hash: "")
  }
}
