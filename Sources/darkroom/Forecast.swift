import Foundation
import Models
import TensorCore

/// How long a run will take and how much memory it needs, roughly, told before it begins.
struct Forecast {
  /// Of memory, weights not among it.
  let bytes: Double
  /// Of all steps; nil where the network's cost is not known.
  let seconds: Double

  /// Multiplications a second and thread: half of what a core with 512-bit vectors can do.
  private static let productsPerThread = 5e10

  /// - Parameters:
  ///   - cost: of an evaluation of one picture.
  ///   - count: pictures in all.
  ///   - together: pictures that go through the network at a time.
  ///   - evaluations: a picture.
  ///   - results: floats of what is kept until the end.
  init(_ cost: ForwardCost, count: Int, together: Int, evaluations: Int, results: Double) {
    bytes = 4 * (cost.values * Double(together) + results)
    seconds =
      cost.products * Double(count) * Double(evaluations) / (Self.productsPerThread * Double(threadCount))
  }

  /// - Throws: `Failure` where the machine has not the memory, however it is used.
  func refuse(_ what: String) throws {
    let memory = Double(ProcessInfo.processInfo.physicalMemory)
    guard bytes < memory else {
      throw Failure(
        "\(what) would run out of memory: about \(Self.amount(bytes)) are needed and the machine has \(Self.amount(memory)); "
          + "lower --batch-size or --size.")
    }
  }

  /// Says what is worth knowing beforehand: minutes, or gigabytes.
  func announce(_ what: String) {
    guard seconds > 60 || bytes > 2e9 else { return }
    Console.note(
      "\(what) will take about \(Console.duration(seconds)) and at least \(Self.amount(bytes)) of memory")
  }

  static func amount(_ bytes: Double) -> String {
    bytes < 1e9 ? "\(Int(bytes / 1e6)) MB" : String(format: "%.1f GB", bytes / 1e9)
  }
}
