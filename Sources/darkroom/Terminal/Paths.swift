import Foundation
import Schedulers

extension URL {
  /// The file or folder that an option or argument names. `~` and `~/…` are the user's home, also where quotes kept the shell
  /// from seeing it; an empty name is nothing, and not the current folder.
  ///
  /// - Parameter option: what the user would call it, such as `--output`.
  /// - Throws: `Failure` for an empty name.
  init(argument path: String, _ option: String) throws {
    self.init(fileURLWithPath: try Self.path(ofNameOrFile: path, option))
  }

  /// What an option gives that takes a name (of a schedule, a sampler) or a file, with the home folder's sign expanded as
  /// above; a name is as it was.
  ///
  /// - Throws: `Failure` for an empty text.
  static func path(ofNameOrFile text: String, _ option: String) throws -> String {
    guard !text.isEmpty else { throw Failure.usage("\(option) is empty; name a file or folder.") }
    guard text == "~" || text.hasPrefix("~/") else {
      // Foundation would look for a user of that name.
      return text.hasPrefix("~") ? "./" + text : text
    }
    // The shell's own idea of home before the system's.
    let home = ProcessInfo.processInfo.environment["HOME"].flatMap { $0.isEmpty ? nil : $0 }
    return (home ?? FileManager.default.homeDirectoryForCurrentUser.path) + text.dropFirst()
  }
}

extension SchedulerConfig {
  /// The schedule that an option names: a preset, a `scheduler_config.json`, or a folder that holds one.
  ///
  /// - Throws: `Failure` for an empty name; `SchedulerError`.
  init(argument text: String, _ option: String) throws {
    self = try Presets.resolve(try URL.path(ofNameOrFile: text, option))
  }
}
