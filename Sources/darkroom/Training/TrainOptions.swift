import ArgumentParser
import Foundation
import NN
import Training

/// How the weights move, whatever they learn.
struct UpdateOptions: ParsableArguments {
  @Option(
    name: [.long, .customLong("max_train_steps")],
    help: "Updates of the weights. (default: 10000, or 2000 for an autoencoder or a classifier)")
  var steps: Int?

  @Option(
    name: [.long, .customLong("num_train_epochs")],
    help: "Train for so many passes over the pictures, in place of --steps.")
  var epochs: Int?

  @Option(name: [.long, .customLong("train_batch_size")], help: "Pictures at a time.")
  var batchSize = 16

  @Option(
    name: [.long, .customLong("gradient_accumulation_steps")],
    help: "Batches an update: more of them act as one larger batch.")
  var accumulate = 1

  @Option(
    name: [.long, .customLong("lr"), .customLong("learning_rate")],
    help:
      "The highest learning rate. (default: 2e-4 for a denoiser, 1e-3 for an autoencoder or a classifier, 1e-5 for a ControlNet)"
  )
  var learningRate: Float?

  @Option(
    name: [.long, .customLong("lr_warmup_steps")],
    help:
      "Updates over which the rate rises to it. (default: 100 for a denoiser, 50 for an autoencoder or a classifier, 0 for a ControlNet)"
  )
  var warmup: Int?

  @Option(
    name: [.long, .customLong("lr_scheduler")],
    help: "What the rate does then: cosine (down to 0) or constant.")
  var decay = LearningRate.Decay.cosine

  @Option(name: [.long, .customLong("adam_weight_decay")], help: "AdamW's weight decay.")
  var weightDecay: Float = 0.01

  @Option(
    name: [.long, .customLong("max_grad_norm")], help: "The norm that the gradient is cut to; 0 for none.")
  var clipGradient: Float = 1

  @Option(
    parsing: .unconditional,
    help: "The seed of everything random; random (or -1) draws one and says it.")
  var seed = Seed(0)

  func validate() throws {
    let most = 1_000_000_000
    try require(steps == nil || epochs == nil, "--steps and --epochs exclude each other.")
    try require((1...most).contains(steps ?? 1), "--steps must be from 1 to 1000000000.")
    try require((1...1_000_000).contains(epochs ?? 1), "--epochs must be from 1 to 1000000.")
    try require((1...65_536).contains(batchSize), "--batch-size must be from 1 to 65536.")
    try require((1...65_536).contains(accumulate), "--accumulate must be from 1 to 65536.")
    try require(
      isFinite(learningRate ?? 1) && (learningRate ?? 1) > 0,
      "--learning-rate must be more than 0, and finite.")
    try require((warmup ?? 0) >= 0, "--warmup must not be negative.")
    try require((warmup ?? 0) <= most, "--warmup must be at most 1000000000.")
    try require(isFinite(weightDecay), "--weight-decay must not be negative, and be finite.")
    try require(isFinite(clipGradient), "--clip-gradient must not be negative, and be finite.")
  }

  /// Everything but the number of updates; what was not given stays as it is.
  func fill(_ options: inout TrainingOptions) {
    (options.batchSize, options.accumulate) = (batchSize, accumulate)
    options.learningRate = LearningRate(
      peak: learningRate ?? options.learningRate.peak, warmup: warmup ?? options.learningRate.warmup,
      decay: decay)
    options.optimizer.weightDecay = weightDecay
    options.optimizer.maxGradientNorm = clipGradient == 0 ? nil : clipGradient
  }

  /// - Parameter pictures: how many are learned.
  /// - Throws: `Failure` where so many passes are more updates than there may be.
  func steps(or otherwise: Int, pictures: Int) throws -> Int {
    guard let epochs else { return steps ?? otherwise }
    let examples = epochs.multipliedReportingOverflow(by: pictures)
    let steps = examples.partialValue / (batchSize * accumulate)
    guard !examples.overflow, steps < 1_000_000_000 else {
      throw Failure("--epochs \(epochs) of \(pictures) pictures are more than 1000000000 updates.")
    }
    return max(1, steps * batchSize * accumulate < examples.partialValue ? steps + 1 : steps)
  }
}

/// What a denoiser's training does beside.
struct AveragingOptions: ParsableArguments {
  @Option(help: "Decay of the averaged weights, which are what is saved; 0 for no average.")
  var ema: Float = 0.999

  @Option(help: "Share of classes hidden in training, so that guidance works; 0 for none.")
  var labelDropout: Float = 0.1

  func validate() throws {
    try require((0..<1).contains(ema), "--ema must be at least 0 and below 1.")
    try require((0...1).contains(labelDropout), "--label-dropout must be from 0 to 1.")
  }
}

/// What is written on the way.
struct OutputOptions: ParsableArguments {
  @Option(
    name: [.long, .customLong("checkpointing_steps")],
    help:
      "Updates between checkpoints; 0 for the end alone. (default: 500; for an autoencoder --preview-every)")
  var checkpointEvery: Int?

  @Option(help: "Updates between previews; 0 for none.")
  var previewEvery = 500

  @Option(
    name: [.long, .customLong("validation_steps")],
    help: "Updates between measurements of the loss at fixed noise; 0 for the end alone.")
  var validateEvery = 200

  @Option(
    name: [.long, .customLong("checkpoints_total_limit")],
    help: "Keep the models of the last so many checkpoints, numbered, in checkpoints/.")
  var keepCheckpoints = 0

  func validate() throws {
    try require((checkpointEvery ?? 0) >= 0, "--checkpoint-every must not be negative.")
    try require(previewEvery >= 0, "--preview-every must not be negative.")
    try require(validateEvery >= 0, "--validate-every must not be negative.")
    try require(keepCheckpoints >= 0, "--keep-checkpoints must not be negative.")
  }

  var outputs: TrainingRun.Outputs {
    var outputs = TrainingRun.Outputs()
    outputs.checkpointEvery = checkpointEvery ?? outputs.checkpointEvery
    (outputs.previewEvery, outputs.validateEvery) = (previewEvery, validateEvery)
    outputs.keepCheckpoints = keepCheckpoints
    return outputs
  }
}

/// - Throws: `ValidationError` of `text`, which names the option.
func require(_ holds: Bool, _ text: String) throws { if !holds { throw ValidationError(text) } }

/// Whether a number from the command line is one, and not negative.
func isFinite(_ value: Float) -> Bool { value >= 0 && value.isFinite }

extension LearningRate.Decay: ExpressibleByArgument {}
