import Foundation

extension URL {
  /// The file or folder that an option or argument names. `~` and `~/…` are the user's home, also where quotes kept the shell
  /// from seeing it; an empty name is nothing, and not the current folder.
  ///
  /// - Parameter option: what the user would call it, such as `--output`.
  /// - Throws: `Failure` for an empty name.
  init(argument path: String, _ option: String) throws {
    guard !path.isEmpty else { throw Failure.usage("\(option) is empty; name a file or folder.") }
    self.init(fileURLWithPath: Self.expanded(path))
  }

  /// A path whose first part may be the home folder's sign; any other text, such as the name of a schedule, as it is.
  static func expanded(_ path: String) -> String {
    guard path == "~" || path.hasPrefix("~/") else {
      // Foundation would look for a user of that name.
      return path.hasPrefix("~") ? "./" + path : path
    }
    // The shell's own idea of home before the system's.
    let home = ProcessInfo.processInfo.environment["HOME"].flatMap { $0.isEmpty ? nil : $0 }
    return (home ?? FileManager.default.homeDirectoryForCurrentUser.path) + path.dropFirst()
  }
}
