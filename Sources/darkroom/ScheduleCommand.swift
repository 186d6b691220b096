import ArgumentParser
import Foundation
import Pictures
import Schedulers

/// `darkroom schedule`: noise schedules as tables and plots.
struct ScheduleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schedule", abstract: "List, show and plot noise schedules.",
    subcommands: [List.self, Show.self, Plot.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The schedules that have names.")

    func run() {
      let width = Presets.all.map(\.name.count).max() ?? 0
      for preset in Presets.all {
        print(preset.name.padding(toLength: width + 2, withPad: " ", startingAt: 0) + preset.summary)
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
      let scheduler = try Presets.resolve(schedule)
      if config { return print(scheduler.json, terminator: "") }
      let rows = try ScheduleTable(scheduler, .count(steps)).rows
      if json {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
          positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        print(String(decoding: try encoder.encode(rows), as: UTF8.self))
        return
      }
      print("step   timestep        beta   alphas_cumprod        sigma           SNR")
      for row in rows {
        print(
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

    @Option(name: .shortAndLong, help: "Where to write the SVG.")
    var output: String

    @Flag(help: "Draw the signal-to-noise ratio, on a logarithmic axis, in place of ᾱ.")
    var snr = false

    func run() throws {
      let url = URL(fileURLWithPath: output)
      guard url.pathExtension.lowercased() == "svg" else {
        throw Failure("--output \(output) must end in .svg.")
      }
      let series = try schedules.map { text in
        let schedule = try NoiseSchedule(Presets.resolve(text))
        let every = max(1, schedule.count / 500)
        let points = stride(from: 0, to: schedule.count, by: every).map { t in
          (x: Double(t), y: snr ? schedule.snr(t) : Double(schedule.alphasCumprod[t]))
        }
        return LinePlot.Series(name: text, points: points)
      }
      try LinePlot(
        title: snr ? "Signal-to-noise ratio" : "Signal left", xLabel: "timestep",
        yLabel: snr ? "ᾱ / (1 − ᾱ)" : "ᾱ", yScale: snr ? .logarithmic : .linear, series: series
      ).write(to: url)
    }
  }
}
