import Foundation
import Models
import TensorCore
import Training

/// How long a run will take and how much memory it needs, roughly, told before it begins.
struct Forecast {
  /// Of memory, at least.
  let bytes: Double
  /// Of all steps; nil where it says itself what is left, as training does.
  let seconds: Double?
  /// What makes it smaller, as the end of a sentence.
  private let advice: String

  /// Multiplications a second and thread: half of what a core with 512-bit vectors can do.
  private static let productsPerThread = 5e10

  /// Of pictures that are made; of memory, weights are not counted.
  ///
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
    advice = "lower --batch-size or --size"
  }

  /// Of a training run's updates: weights, their gradients, two moments and an average where there is one; what is saved of
  /// a batch for its gradients, and what is held meanwhile.
  ///
  /// - Parameters:
  ///   - cost: of one picture; nil where it is not known, and not counted then.
  ///   - learning: parameters that learn.
  ///   - frozen: parameters that take part and do not.
  init(_ cost: ForwardCost?, learning: Int, frozen: Int = 0, _ options: TrainingOptions) {
    let weights = (options.emaDecay > 0 ? 5 : 4) * Double(learning) + Double(frozen)
    bytes = 4 * (weights + (cost.map { $0.saved + $0.values } ?? 0) * Double(options.batchSize))
    seconds = nil
    advice =
      "lower --batch-size (more of --accumulate act as a larger one) or --resolution, or choose a smaller network"
  }

  /// - Throws: `Failure` where the machine has not the memory, however it is used.
  func refuse(_ what: String) throws {
    let memory = Double(SystemMemory.total)
    guard bytes < memory else {
      throw Failure(
        "\(what) would run out of memory: about \(Self.amount(bytes)) are needed and the machine has \(Self.amount(memory)); "
          + "\(advice).")
    }
  }

  /// Says what is worth knowing beforehand: minutes, or gigabytes.
  func announce(_ what: String) {
    guard (seconds ?? 0) > 60 || bytes > 2e9 else { return }
    let time = seconds.map { "about \(Console.duration($0)) and " } ?? ""
    Console.note("\(what) will take \(time)at least \(Self.amount(bytes)) of memory")
  }

  static func amount(_ bytes: Double) -> String {
    switch bytes {
    case ..<1e9: "\(Int(bytes / 1e6)) MB"
    case ..<1e13: String(format: "%.1f GB", bytes / 1e9)
    default: String(format: "%.0f TB", bytes / 1e12)
    }
  }
}

extension TrainingOptions {
  /// What decides a run's memory, for a sentence about it.
  var extent: String {
    "training with --batch-size \(batchSize) at --resolution \(resolution)"
  }
}
