import Foundation

extension AtomicFile {
  /// Removes what killed processes left beside their files (`.name.….partial`), at any depth of `folder`; what a process
  /// that still runs is writing stays.
  ///
  /// - Returns: how many bytes were freed.
  @discardableResult
  public static func removeAbandoned(in folder: URL) -> Int {
    let files = FileManager.default.enumerator(
      at: folder, includingPropertiesForKeys: [.fileSizeKey, .isRegularFileKey])
    var freed = 0
    while let url = files?.nextObject() as? URL {
      guard let writer = writer(ofPartial: url.lastPathComponent),
        let values = try? url.resourceValues(forKeys: [.fileSizeKey, .isRegularFileKey]),
        values.isRegularFile == true
      else { continue }
      // A process of this number that is this one wrote nothing yet: the number was used before.
      let isAlive = kill(writer, 0) == 0 || errno == EPERM
      guard !isAlive || writer == getpid(), unlink(url.path) == 0 else { continue }
      freed += values.fileSize ?? 0
    }
    return freed
  }

  /// The process that `name` was written by, where it is a partial file's.
  static func writer(ofPartial name: String) -> pid_t? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[0].isEmpty, parts.last == "partial" else { return nil }
    let numbers = parts[parts.count - 2].split(separator: "-")
    guard numbers.count == 2, UInt64(numbers[1]) != nil, let process = pid_t(numbers[0]), process > 0 else {
      return nil
    }
    return process
  }
}
