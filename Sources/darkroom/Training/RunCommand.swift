import Files
import Foundation

/// The command that a run was begun with, as `training/command.json` keeps it for `darkroom resume`.
struct RunCommand: Codable {
  /// Without the program's name.
  var arguments: [String]
  /// Where its relative paths begin.
  let directory: String

  /// This process's own.
  static var current: RunCommand {
    RunCommand(
      arguments: Array(CommandLine.arguments.dropFirst()),
      directory: FileManager.default.currentDirectoryPath)
  }

  init(arguments: [String], directory: String) {
    (self.arguments, self.directory) = (arguments, directory)
  }

  private static func url(in run: URL) -> URL { run.appending(path: "training/command.json") }

  /// Reads that of a run.
  ///
  /// - Throws: `Failure` where the folder has none.
  init(of run: URL) throws {
    guard let data = try? Data(contentsOf: Self.url(in: run)),
      let command = try? JSONDecoder().decode(RunCommand.self, from: data)
    else {
      throw Failure(
        "\(run.relativePath) holds no run that remembers its command; give the whole command again, with --resume."
      )
    }
    self = command
  }

  func write(to run: URL) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try AtomicFile.write(try encoder.encode(self), to: Self.url(in: run))
  }

  /// As a shell would take it again.
  var quoted: String { ShellWords.line(["darkroom"] + arguments) }
}
