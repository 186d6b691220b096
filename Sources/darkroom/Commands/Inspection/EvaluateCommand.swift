import ArgumentParser

/// `darkroom evaluate`: how good a model is, in numbers.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measure a model.",
    discussion: """
      EXAMPLES
        darkroom evaluate likelihood run photos --count 64
        darkroom evaluate likelihood run photos --classes folders --timesteps-every 10 --json
        darkroom evaluate classify judge pictures
        darkroom evaluate nearest drawn-*.png --among photos --output nearest.png
      """, subcommands: [LikelihoodCommand.self, ClassifyCommand.self, NearestCommand.self])
}
