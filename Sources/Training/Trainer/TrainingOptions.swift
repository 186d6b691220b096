import Foundation
import NN
import TensorCore

/// How a network is trained, whatever it is trained for. A resumed run must have the same.
public struct TrainingOptions: Sendable, Equatable {
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
  /// Whether each picture is mirrored half of the time.
  public var flip = false
  /// Share of the pictures that is only measured by, never learned.
  public var heldOut = 0.05
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
  /// Decay of the averaged weights; 0 for none.
  public var emaDecay: Float = 0.999
  /// Of everything random.
  public var seed: UInt64 = 0
  /// What is made small, and at which timesteps.
  public var loss = LossOptions()
  /// Share of labels replaced by the null class, or of captions by the empty text, so that guidance has something to compare
  /// with.
  public var labelDropout: Float = 0.1
  /// How captions are told; nil where none are.
  public var captions: CaptionOptions?
  /// The hash of the VAE whose latents are learned; nil for pixels.
  public var vae: String?
  /// Threads when the run began, for the record: no result depends on them.
  public var threads = 2

  /// How products are summed, which decides bits.
  public var arithmetic = Processor.current.arithmetic
  /// What products are computed in; weights, moments and sums are f32 in either.
  public var precision = Precision.current

  /// The defaults of the command line.
  public init() {}

  /// Pictures an update.
  public var picturesPerStep: Int { batchSize * accumulate }

  /// Each value by the name of its option.
  var named: [(name: String, value: String)] {
    [
      ("--resolution", "\(resolution)"), ("--crop", crop.rawValue), ("--flip", "\(flip)"),
      ("--held-out", "\(heldOut)"), ("--steps", "\(steps)"), ("--batch-size", "\(batchSize)"),
      ("--accumulate", "\(accumulate)"), ("--learning-rate", "\(learningRate.peak)"),
      ("--warmup", "\(learningRate.warmup)"), ("--decay", learningRate.decay.rawValue),
      ("--weight-decay", "\(optimizer.weightDecay)"),
      ("--clip-gradient", "\(optimizer.maxGradientNorm ?? 0)"), ("--ema", "\(emaDecay)"),
      ("--seed", "\(seed)"), ("--vae with the hash", vae ?? "none"),
      (captions == nil ? "--label-dropout" : "--caption-dropout", "\(labelDropout)"),
      ("--arithmetic", arithmetic.rawValue), ("--precision", precision.rawValue),
    ] + (captions?.named ?? [("--captions", "none")]) + loss.named
  }

  /// The most threads that a run may have: more than any machine has.
  public static let mostThreads = 512

  /// What is wrong with values that a file holds, as the rest of a sentence; nil where nothing is.
  var problem: String? {
    let limits: [(name: String, value: Int, range: ClosedRange<Int>)] = [
      ("threads", threads, 1...Self.mostThreads), ("resolution", resolution, 1...4096),
      ("steps", steps, 1...1_000_000_000), ("batchSize", batchSize, 1...65_536),
      ("accumulate", accumulate, 1...65_536), ("warmup", learningRate.warmup, 0...1_000_000_000),
    ]
    for (name, value, range) in limits where !range.contains(value) {
      return "has \(name) \(value), which must be from \(range.lowerBound) to \(range.upperBound)"
    }
    guard (0..<0.5).contains(heldOut), (0..<1).contains(emaDecay), (0...1).contains(labelDropout) else {
      return "has a heldOut, emaDecay or labelDropout that is no share"
    }
    return nil
  }
}

// By hand: a state written before an option was added has the value of its time.
extension TrainingOptions: Codable {
  private enum Key: String, CodingKey {
    case resolution, crop, flip, heldOut, steps, batchSize, accumulate, learningRate, optimizer, emaDecay,
      seed
    case loss, labelDropout, captions, vae, threads, arithmetic, precision
  }

  /// Reads the values of a state.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    resolution = try values.decode(Int.self, forKey: .resolution)
    crop = try values.decode(CropMode.self, forKey: .crop)
    flip = try values.decode(Bool.self, forKey: .flip)
    heldOut = try values.decodeIfPresent(Double.self, forKey: .heldOut) ?? 0
    steps = try values.decode(Int.self, forKey: .steps)
    batchSize = try values.decode(Int.self, forKey: .batchSize)
    accumulate = try values.decode(Int.self, forKey: .accumulate)
    learningRate = try values.decode(LearningRate.self, forKey: .learningRate)
    optimizer = try values.decode(AdamW.Options.self, forKey: .optimizer)
    emaDecay = try values.decode(Float.self, forKey: .emaDecay)
    seed = try values.decode(UInt64.self, forKey: .seed)
    loss = try values.decodeIfPresent(LossOptions.self, forKey: .loss) ?? LossOptions()
    labelDropout = try values.decode(Float.self, forKey: .labelDropout)
    captions = try values.decodeIfPresent(CaptionOptions.self, forKey: .captions)
    vae = try values.decodeIfPresent(String.self, forKey: .vae)
    threads = try values.decode(Int.self, forKey: .threads)
    arithmetic = try values.decodeIfPresent(Processor.Arithmetic.self, forKey: .arithmetic) ?? .fma
    precision = try values.decodeIfPresent(Precision.self, forKey: .precision) ?? .f32
  }

  /// Writes every value.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(resolution, forKey: .resolution)
    try values.encode(crop, forKey: .crop)
    try values.encode(flip, forKey: .flip)
    try values.encode(heldOut, forKey: .heldOut)
    try values.encode(steps, forKey: .steps)
    try values.encode(batchSize, forKey: .batchSize)
    try values.encode(accumulate, forKey: .accumulate)
    try values.encode(learningRate, forKey: .learningRate)
    try values.encode(optimizer, forKey: .optimizer)
    try values.encode(emaDecay, forKey: .emaDecay)
    try values.encode(seed, forKey: .seed)
    try values.encode(loss, forKey: .loss)
    try values.encode(labelDropout, forKey: .labelDropout)
    try values.encodeIfPresent(captions, forKey: .captions)
    try values.encodeIfPresent(vae, forKey: .vae)
    try values.encode(threads, forKey: .threads)
    try values.encode(arithmetic, forKey: .arithmetic)
    try values.encode(precision, forKey: .precision)
  }
}
