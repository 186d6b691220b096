import ArgumentParser

/// `darkroom evaluate`: how good a model is, in numbers.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measure a model.", subcommands: [LikelihoodCommand.self])
}
