import ArgumentParser
import Foundation
import Models
import NN
import TensorCore

/// `darkroom bench`: what `scripts/bench.sh` times against PyTorch; not for users, so hidden.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Time a network's training step or forward pass.", shouldDisplay: false)

  enum Work: String, ExpressibleByArgument, CaseIterable { case train, sample }

  @Argument(help: "train (forward, backward, AdamW) or sample (forward).")
  var work: Work

  @Option(help: "The network.")
  var preset = UNet2DPreset.cifar32

  @Option(help: "Pictures at a time.")
  var batchSize = 16

  @Option(help: "Timed rounds after two for warming up.")
  var repeats = 5

  @OptionGroup var compute: ComputeOptions

  func run() throws {
    try compute.apply()
    let model = try UNet2D(preset.config, ParameterStore(.fresh(seed: 0)))
    let side = preset.config.sampleSize?[0] ?? 32
    let shape = [batchSize, 3, side, side]
    let x = Tensor(
      Philox(NoiseKey(seed: 0, index: 0, step: 0, purpose: .trainingNoise)).normal(shape.reduce(1, *)),
      shape: shape)
    let timesteps = (0..<batchSize).map { Float($0 * 50 % 1000) }
    let parameters = model.parameters.parameters.map(\.tensor)
    let optimizer = work == .train ? AdamW(parameters, AdamW.Options()) : nil
    var seconds: [Double] = []
    for _ in 0..<repeats + 2 {
      let clock = Stopwatch()
      switch work {
      case .sample: _ = withoutGradients { model(x, timesteps: timesteps) }
      case .train:
        let (_, gradients) = valueAndGradients(of: parameters) {
          meanSquaredError(model(x, timesteps: timesteps), x)
        }
        optimizer?.step(gradients, norm: AdamW.norm(gradients), learningRate: 1e-4)
      }
      seconds.append(clock.seconds)
    }
    let median = seconds.dropFirst(2).sorted()[repeats / 2]
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    print(
      "{\"seconds_per_image\": \(median / Double(batchSize)), \"peak_rss_bytes\": \(usage.ru_maxrss * 1024)}")
  }
}
