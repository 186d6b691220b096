import ArgumentParser
import Foundation
import Pictures
import Schedulers

/// `darkroom schedule`: noise schedules as tables and plots.
struct ScheduleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schedule", abstract: "List, show and plot noise schedules.",
    discussion: """
      EXAMPLES
        darkroom schedule list
        darkroom schedule show ddim-cosine --steps 10
        darkroom schedule plot ddpm-linear-1000 ddpm-cosine-1000 --output schedules.svg
      """,
    subcommands: [List.self, Show.self, Plot.self, ConvergenceCommand.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The schedules that have names.")

    func run() throws {
      let width = Presets.all.map(\.name.count).max() ?? 0
      for preset in Presets.all {
        try Console.print(preset.name.padding(to: width + 2) + preset.summary)
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "The timesteps that a number of steps visits, with β, ᾱ and the signal-to-noise ratio.")

    @Argument(help: "A preset's name, a scheduler_config.json, or a model's folder.")
    var schedule: String

    @Option(help: "Steps of the sampler.")
    var steps = 20

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(help: "Print the scheduler_config.json in place of the table.")
    var config = false

    func run() throws {
      let scheduler = try SchedulerConfig(argument: schedule, "<schedule>")
      if config { return try Console.print(scheduler.json, terminator: "") }
      let rows = try ScheduleTable(scheduler, .count(steps)).rows
      if json {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
          positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        try Console.print(String(decoding: try encoder.encode(rows), as: UTF8.self))
        return
      }
      try Console.print("step   timestep        beta   alphas_cumprod        sigma           SNR")
      for row in rows {
        try Console.print(
          String(
            format: "%4d  %9g  %@  %15.8f  %11.6g  %12.5g", row.step, row.timestep,
            row.beta.map { String(format: "%10.7f", $0) } ?? "         –", row.alphasCumprod, row.sigma,
            row.snr))
      }
    }
  }

  struct Plot: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Draw ᾱ over the timesteps: how much of the picture is left.")

    @Argument(help: "Presets' names, scheduler_config.json files, or models' folders.")
    var schedules: [String]

    @Option(
      name: .shortAndLong, help: "Where to write the SVG.", completion: .file(extensions: ["svg"]))
    var output: String

    @Flag(help: "Draw the signal-to-noise ratio, on a logarithmic axis, in place of ᾱ.")
    var snr = false

    @Option(help: "Mark what a sampler of so many steps visits.")
    var steps: Int?

    func run() throws {
      let target = try OutputKind(output, [.svg])
      try target.check()
      let series = try schedules.flatMap { text in try curves(text) }
      try LinePlot(
        title: snr ? "Signal-to-noise ratio" : "Signal left", xLabel: "timestep",
        yLabel: snr ? "ᾱ / (1 − ᾱ)" : "ᾱ", yScale: snr ? .logarithmic : .linear, series: series
      ).write(to: target.url)
    }

    /// The curve of a schedule, and a dot for each visited step.
    private func curves(_ text: String) throws -> [LinePlot.Series] {
      let config = try SchedulerConfig(argument: text, "<schedules>")
      let value = { (level: NoiseLevel) in snr ? level.snr : Double(level.alphaCumprod) }
      var series: [LinePlot.Series] = []
      if config.isFlow || config.isPreconditioned {
        // No table of β: the levels of as many steps as there are timesteps.
        let all = try config.sampler(steps: config.numTrainTimesteps).evaluations
        let every = max(1, all.count / 500)
        series.append(
          LinePlot.Series(
            name: text,
            points: stride(from: 0, to: all.count, by: every).reversed().map {
              (x: Double(all.count - 1 - $0), y: value(all[$0].level))
            }))
      } else {
        let schedule = try NoiseSchedule(config)
        series.append(
          LinePlot.Series(
            name: text,
            points: stride(from: 0, to: schedule.count, by: max(1, schedule.count / 500)).map {
              (x: Double($0), y: value(NoiseLevel(alphaCumprod: schedule.alphasCumprod[$0])))
            }))
      }
      if let steps {
        let visited = try config.sampler(steps: steps).evaluations
        series.append(
          LinePlot.Series(
            name: "\(text), \(steps) steps", style: .dots,
            points: visited.map {
              (x: config.isPreconditioned ? 0 : Double($0.timestep), y: value($0.level))
            }))
      }
      return series
    }
  }
}
