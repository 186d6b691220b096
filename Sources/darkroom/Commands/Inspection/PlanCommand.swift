import ArgumentParser
import Foundation
import Models
import NN
import Pipelines
import TensorCore

/// `darkroom bench plan`: every product of a network's forward pass, by which algorithm, and what that is taken to cost.
struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Print how a network's products are computed, and what they are taken to cost.",
    discussion: """
      Alike products are one line. GFLOP are those of the definition; the cost is in GFLOP of a plain product that would \
      take as long, with what Winograd's transforms and partly filled tiles take included. Nothing is computed.

      EXAMPLES
        darkroom bench plan stable-diffusion-v1-5 --batch-size 2
        darkroom bench plan --preset cifar-32 --precision bf16
      """)

  @Argument(help: "A model's folder.", completion: .directory)
  var model: String?

  @Option(help: "A network by its preset's name, in place of a model's.")
  var preset: String?

  @OptionGroup var size: SizeOptions

  @Option(help: "Pictures at a time; no algorithm depends on it.")
  var batchSize = 1

  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    try require((model == nil) != (preset == nil), "name either a model's folder or --preset.")
    try require((1...1024).contains(batchSize), "--batch-size \(batchSize) must be from 1 to 1024.")
  }

  func run() throws {
    try compute.apply()
    let config = try config()
    let requested = try size.parsed()
    let own = config.nativeSize ?? (32, 32)
    let (height, width) = (requested.height ?? own.height, requested.width ?? own.width)
    guard height % config.sizeMultiple == 0, width % config.sizeMultiple == 0 else {
      throw Failure.usage(
        "--size \(width)x\(height): both sides must be multiples of \(config.sizeMultiple) for this network.")
    }
    let network = try config.build(ParameterStore(.fresh(seed: 0)))
    let x = Tensor.zeros([batchSize, config.inChannels, height, width])
    var condition = Condition(labels: config.isClassConditional ? Array(repeating: 0, count: batchSize) : nil)
    if let reader = config as? UNet2DConditionConfig {
      condition.text = TextStates(.zeros([batchSize, 77, reader.textChannels]))
    }
    let timesteps = [Float](repeating: 500, count: batchSize)
    let products = withoutGradients {
      plannedProducts { _ = network.predict(x, timesteps: timesteps, condition: condition, dropout: nil) }
    }
    try report(products, "\(width)x\(height), batch of \(batchSize)")
  }

  private func config() throws -> any DenoiserConfig {
    if let model { return try ModelFolder(URL(argument: model, "<model>")).config }
    guard let preset, let config = DenoiserFamilies.config(preset: preset) else {
      throw Failure.usage(
        "--preset \(preset ?? "") is not known; known are \(DenoiserFamilies.presetNames.joined(separator: ", "))."
      )
    }
    return config
  }

  private func report(_ products: [PlannedProduct], _ what: String) throws {
    var (order, counts): ([PlannedProduct], [PlannedProduct: Int]) = ([], [:])
    for product in products {
      if counts[product] == nil { order.append(product) }
      counts[product, default: 0] += 1
    }
    let total = products.reduce(0) { $0 + $1.cost }
    let (processor, precision) = (Processor.current, Precision.current)
    try Console.print(
      "\(what), \(precision.rawValue) by \(processor.rawValue)\n"
        + Self.row(["product", "of", "by", "algorithm", "times", "GFLOP", "cost", "share"]))
    for product in order {
      let count = Double(counts[product] ?? 0)
      let shapes = [product.source, product.factor].map { $0.map(String.init).joined(separator: "×") }
      try Console.print(
        Self.row(
          [product.operation] + shapes
            + [
              product.algorithm, "\(Int(count))", Self.giga(count * product.operations),
              Self.giga(count * product.cost), String(format: "%.1f %%", 100 * count * product.cost / total),
            ]))
    }
    let operations = products.reduce(0) { $0 + $1.operations }
    try Console.print(
      Self.row(["all", "", "", "", "\(products.count)", Self.giga(operations), Self.giga(total), ""]))
  }

  private static func giga(_ operations: Double) -> String { String(format: "%.3f", operations / 1e9) }

  private static func row(_ cells: [String]) -> String {
    zip(cells, [22, 18, 18, 20, 5, 11, 11, 8]).enumerated().map { column, cell in
      column < 4
        ? cell.0.padded(to: cell.1) : String(repeating: " ", count: max(1, cell.1 - cell.0.count)) + cell.0
    }.joined(separator: " ")
  }
}
