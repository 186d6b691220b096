import ArgumentParser
import Foundation
import Training

/// A command that trains into a run's folder.
protocol TrainingCommand: ParsableCommand {
  var place: PlaceOptions { get set }
  /// - Parameter command: to be kept with the run.
  func train(_ command: RunCommand) throws
}

extension TrainingCommand {
  func run() throws { try train(.current) }
}

/// `darkroom resume <run>`: the command that a run was begun with, once more.
struct ResumeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume", abstract: "Go on with a training run, by the command that it was begun with.",
    discussion: """
      Options that follow are added to those of the run, such as --extend-to 20000, or --learning-rate 1e-4 after a run that \
      exploded. Paths in the run's command begin where it was given.

      EXAMPLES
        darkroom resume run
        darkroom resume run --extend-to 20000
        darkroom resume run --learning-rate 1e-4
      """)

  @Argument(help: ArgumentHelp("The run's folder.", valueName: "run"), completion: .directory)
  var name: String

  @Argument(parsing: .allUnrecognized, help: "More options of the run's own command.")
  var options: [String] = []

  func run() throws {
    let url = try URL(argument: name, "<run>").absoluteURL
    var record = try RunCommand(of: url)
    guard chdir(record.directory) == 0 else {
      throw Failure(
        "\(name) was begun in \(record.directory), which is not there any more; give the whole command again, with --resume."
      )
    }
    // A place within the folder it was begun in is named as it was then.
    let (base, path) = (URL(fileURLWithPath: record.directory).path + "/", url.path)
    record.arguments += options
    // The run's own command, as the parser takes it: the first word is `train`, and --extend-to goes with --resume.
    let parsed = try TrainCommand.parseAsRoot(record.arguments.dropFirst() + ["--resume"])
    guard var command = parsed as? any TrainingCommand else {
      throw Failure("\(name) does not remember a command that trains.")
    }
    command.place.output = path.hasPrefix(base) ? String(path.dropFirst(base.count)) : path
    try command.train(record)
  }
}
