import ArgumentParser
import Foundation
import TensorCore

/// `darkroom bench convolution`: what each algorithm takes for one shape, by which `ProductCosts` is set.
struct BenchConvolutionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convolution", abstract: "Time 3×3 convolutions of one shape by each algorithm.")

  @Option(help: "Channels of the input and of the result, multiples of 16, as 320,640.")
  var channels = "320,320"

  @Option(help: "Pixels a side.")
  var size = 64

  @Option(help: "Pictures at a time.")
  var batchSize = 2

  @Option(help: "Timed rounds after one for warming up.")
  var repeats = 5

  @OptionGroup var compute: ComputeOptions

  func run() throws {
    try compute.apply()
    let counts: [Int] = try channels.numbers("--channels")
    guard counts.count == 2, counts.allSatisfy({ $0 > 0 && $0 % 16 == 0 }) else {
      throw Failure.usage("--channels \(channels) is not two multiples of 16, such as 320,640.")
    }
    func noise(_ shape: [Int]) -> Tensor {
      let key = NoiseKey(seed: 0, index: 0, step: UInt32(shape[0]), purpose: .trainingNoise)
      return Tensor(Philox(key).normal(shape.reduce(1, *)), shape: shape)
    }
    let (x, weight) = (
      noise([batchSize, counts[0], size, size]), noise([counts[1], counts[0], 3, 3])
    )
    let operations = 18 * Double(batchSize * size * size) * Double(counts[0] * counts[1])
    for algorithm in [ConvolutionAlgorithm.direct, .winograd(side: 4), .winograd(side: 2)] {
      var seconds: [Double] = []
      for _ in 0..<repeats + 1 {
        let clock = Stopwatch()
        _ = withoutGradients { algorithm.convolve(x, weight) }
        seconds.append(clock.seconds)
      }
      let times = seconds.dropFirst().sorted()
      try Console.print(
        algorithm.name.padded(to: 18)
          + String(
            format: "%9.2f ms median, %9.2f ms fastest, %7.0f GFLOP/s of the definition's",
            times[times.count / 2] * 1e3, times[0] * 1e3, operations / times[0] / 1e9))
    }
  }
}

extension String {
  /// With spaces after it, to `width` characters.
  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
