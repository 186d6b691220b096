import Foundation
import NN

/// Everything that decides what a training run computes. A resumed run must have the same.
public struct TrainingOptions: Codable, Sendable, Equatable {
  /// Where pictures are cut to a square.
  public enum CropMode: String, Codable, Sendable, CaseIterable {
    /// The middle.
    case center
    /// Another place each time.
    case random
  }

  /// Pixels a side.
  public var resolution = 32
  /// Where they are cut.
  public var crop = CropMode.center
  /// Whether each picture is mirrored half of the times.
  public var flip = false
  /// Updates of the weights.
  public var steps = 10_000
  /// Pictures a network evaluation.
  public var batchSize = 16
  /// Evaluations an update.
  public var accumulate = 1
  /// The learning rate over the run.
  public var learningRate = LearningRate(peak: 2e-4, warmup: 100, decay: .cosine)
  /// AdamW's other hyper-parameters.
  public var optimizer = AdamW.Options()
  /// Decay of the averaged weights.
  public var emaDecay: Float = 0.999
  /// Of everything random.
  public var seed: UInt64 = 0
  /// What is made small, and at which timesteps.
  public var loss = LossOptions()
  /// Share of labels replaced by the null class, so that guidance has something to compare with.
  public var labelDropout: Float = 0.1
  /// The hash of the VAE whose latents are learned; nil for pixels.
  public var vae: String?
  /// Threads when the run began: oneDNN divides sums among them, so a resumed run keeps their number.
  public var threads = 2

  /// The defaults of the command line.
  public init() {}

  /// Pictures an update.
  public var picturesPerStep: Int { batchSize * accumulate }

  /// The first option in which a resumed run was `given` another value than the one it began with.
  ///
  /// The number of steps may change where the learning rate does not follow from it.
  public func conflict(with given: TrainingOptions) -> (name: String, kept: String, given: String)? {
    var pairs: [(name: String, kept: String, given: String)] = []
    func compare(_ name: String, _ value: (TrainingOptions) -> Any) {
      pairs.append((name, "\(value(self))", "\(value(given))"))
    }
    compare("--resolution") { $0.resolution }
    compare("--crop") { $0.crop.rawValue }
    compare("--flip") { $0.flip }
    if learningRate.decay == .cosine { compare("--steps") { $0.steps } }
    compare("--batch-size") { $0.batchSize }
    compare("--accumulate") { $0.accumulate }
    compare("--learning-rate") { $0.learningRate.peak }
    compare("--warmup") { $0.learningRate.warmup }
    compare("--decay") { $0.learningRate.decay.rawValue }
    compare("--weight-decay") { $0.optimizer.weightDecay }
    compare("--clip-gradient") { $0.optimizer.maxGradientNorm ?? 0 }
    compare("--ema") { $0.emaDecay }
    compare("--seed") { $0.seed }
    compare("--vae with the hash") { $0.vae ?? "none" }
    compare("--label-dropout") { $0.labelDropout }
    pairs += zip(loss.named, given.loss.named).map { ($0.name, $0.value, $1.value) }
    return pairs.first { $0.kept != $0.given }
  }
}

extension KeyedDecodingContainer {
  /// Chosen by the compiler for `TrainingOptions.loss`: a state written before there was one has the loss of its time.
  func decode(_ type: LossOptions.Type, forKey key: Key) throws -> LossOptions {
    try decodeIfPresent(type, forKey: key) ?? LossOptions()
  }
}
