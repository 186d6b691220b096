import ArgumentParser
import Foundation
import Pictures
import Schedulers

/// `darkroom schedule convergence`: how fast each solver's error falls.
struct ConvergenceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convergence",
    abstract:
      "Draw how each deterministic sampler's error falls with the network's calls, on data whose answer is known.",
    discussion: """
      EXAMPLES
        darkroom schedule convergence --samplers ddim,heun,dpmpp-2m,unipc --output convergence.svg
      """)

  @Option(
    name: .shortAndLong, help: "Where to write the SVG.", completion: .file(extensions: ["svg"]))
  var output: String

  @Option(help: "Samplers with commas between them.")
  var samplers = ConvergenceStudy.orders.map(\.name).joined(separator: ",")

  func run() throws {
    let target = try OutputKind(output, [.svg])
    try target.check()
    let study = ConvergenceStudy()
    let counts = [4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128]
    var series: [LinePlot.Series] = []
    for name in samplers.split(separator: ",").map(String.init) {
      let errors = try counts.map { try study.error(of: name, evaluations: $0) }
      let text = errors.map { String(format: "%8.1e", $0) }.joined(separator: " ")
      try Console.print(name.padding(to: 16) + text)
      series.append(
        LinePlot.Series(name: name, points: zip(counts, errors).map { (x: Double($0), y: $1) }))
    }
    try LinePlot(
      title: "Distance from the exact trajectory", xLabel: "calls of the network",
      yLabel: "root mean square", xScale: .logarithmic, yScale: .logarithmic, series: series
    ).write(to: target.url)
  }
}
