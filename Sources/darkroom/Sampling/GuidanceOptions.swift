import ArgumentParser
import Foundation
import Models
import Pictures
import Pipelines
import Schedulers
import TensorCore

/// How strongly, away from what, and when pictures are guided.
struct GuidanceOptions: ParsableArguments {
  @Option(
    name: [.customLong("guidance-scale"), .customLong("cfg-scale")],
    help:
      "How strongly the class or the prompt is followed: 1 is plain, more exaggerates it. (default: 1 for classes, 7.5 for prompts)"
  )
  var scale: Float?

  @Option(
    name: .customLong("guidance-rescale"),
    help: "How far, from 0 to 1, the contrast that guidance adds is taken back (Lin et al. 2023).")
  var rescale: Float = 0

  @Option(
    name: .customLong("guidance-start"),
    help: "The share of the steps, from 0 to 1, before guidance begins.")
  var start: Float = 0

  @Option(
    name: .customLong("guidance-end"),
    help: "The share of the steps, from 0 to 1, after which guidance ends.")
  var end: Float = 1

  @Option(
    name: .customLong("negative-class"),
    help: ArgumentHelp(
      "A class to be guided away from, by name or number; repeat it for several.",
      discussion: "It stands in place of no class, unless --negative-scale gives it a strength of its own."))
  var negativeClasses: [String] = []

  @Option(
    help:
      "How strongly --negative-class is avoided beside what --guidance-scale does: each as a branch of its own."
  )
  var negativeScale: Float?

  @Flag(help: "With --negative-scale: avoid only what the negative class does not share with the class.")
  var perpendicularNegative = false

  @Option(
    help:
      "The folder of a weaker model of the same pictures, which is guided away from in place of no class.",
    completion: .directory
  )
  var autoguidance: String?

  /// Whether anything is guided, of a model that is told classes.
  var isOn: Bool { (scale ?? 1) != 1 || (negativeScale ?? 0) != 0 }

  /// Whether the prediction for no class is asked for.
  var needsNullClass: Bool {
    isOn && autoguidance == nil && (negativeClasses.isEmpty || negativeScale != nil)
  }

  /// The first option that is given and takes part in guidance by classes alone.
  var firstOfClasses: String? {
    [
      ("--negative-class", !negativeClasses.isEmpty), ("--autoguidance", autoguidance != nil),
      ("--guidance-rescale", rescale != 0), ("--guidance-start", start != 0), ("--guidance-end", end != 1),
    ].first { $0.1 }?.0
  }

  func validate() throws {
    guard [scale ?? 1, rescale, start, end, negativeScale ?? 0].allSatisfy(\.isFinite) else {
      throw ValidationError("--guidance-scale and its like must be numbers.")
    }
    if !(0...1).contains(rescale) { throw ValidationError("--guidance-rescale must be from 0 to 1.") }
    if !(0...1).contains(start) || !(0...1).contains(end) || start >= end {
      throw ValidationError(
        "--guidance-start and --guidance-end must be from 0 to 1, and the end after the start.")
    }
    if negativeScale != nil && negativeClasses.isEmpty {
      throw ValidationError("--negative-scale goes with --negative-class.")
    }
    if perpendicularNegative && negativeScale == nil {
      throw ValidationError("--perpendicular-negative goes with --negative-scale.")
    }
    if autoguidance != nil && !negativeClasses.isEmpty {
      throw ValidationError("--autoguidance and --negative-class exclude each other.")
    }
    // What has no effect is said, not passed over.
    if let idle = firstOfClasses, !isOn {
      throw ValidationError("\(idle) does nothing at --guidance-scale 1; give a scale above 1.")
    }
  }
}

/// Away from what a run is guided, all of it found and checked.
struct GuidanceChoice {
  let options: GuidanceOptions
  let nullClass: Int?
  /// By number.
  let negatives: [Int]
  let weak: ModelFolder?
  private let weakHash: String?
  private let isClassConditional: Bool
  /// 1 is none.
  let scale: Float
  private let readsText: Bool
  /// Whether the network is told the scale, and follows it by itself.
  let followsGuidance: Bool

  /// diffusers' default for models that read texts.
  private static let textGuidance: Float = 7.5

  /// - Throws: `Failure`, or the folder's errors.
  init(_ options: GuidanceOptions, _ folder: ModelFolder, nullClass: Int?, readsText: Bool) throws {
    (self.options, self.nullClass, self.readsText) = (options, nullClass, readsText)
    followsGuidance = folder.config.followsGuidance
    scale = options.scale ?? (readsText ? Self.textGuidance : 1)
    if readsText, let other = options.firstOfClasses {
      throw Failure("\(other) does not go with \(folder.url.relativePath), which reads texts.")
    }
    let classes = ClassChoice(folder)
    negatives = try options.negativeClasses.map { try classes.index(of: $0) }
    weak = try options.autoguidance.map { try ModelFolder(URL(argument: $0, "--autoguidance")) }
    if let weak { try Self.check(weak, beside: folder) }
    weakHash = try weak?.denoiserComponent.checkpoint.hash()
    isClassConditional = folder.config.isClassConditional
    if (readsText ? scale != 1 : options.needsNullClass), folder.notes.labelDropout == 0 {
      let (what, none) = readsText ? ("caption", "empty text") : ("label", "no class")
      Console.note(
        "\(folder.url.relativePath) was trained without \(what) drop-out, so that it never saw \(none); guidance away from "
          + "it is a guess.")
    }
  }

  /// A weaker model must say the same thing of the same noisy pictures.
  private static func check(_ weak: ModelFolder, beside folder: ModelFolder) throws {
    let (a, b) = (weak.config, folder.config)
    let noises = (try TrainingNoise(weak.scheduler), try TrainingNoise(folder.scheduler))
    let problem: String? =
      if a.inChannels != b.inChannels || a.predictedChannels != b.predictedChannels {
        "takes \(a.inChannels) channels and gives \(a.predictedChannels), not \(b.inChannels) and \(b.predictedChannels)"
      } else if a.isClassConditional != b.isClassConditional || a.classEmbeddings != b.classEmbeddings {
        "knows other classes"
      } else if noises.0.prediction != noises.1.prediction {
        "predicts \(noises.0.prediction.rawValue), not \(noises.1.prediction.rawValue)"
      } else if noises.0.levels != noises.1.levels {
        "was trained on another noise schedule"
      } else {
        nil
      }
    if let problem {
      throw Failure(
        "--autoguidance \(weak.url.relativePath) cannot guide \(folder.url.relativePath): it \(problem).")
    }
  }

  /// Who predicts, once the networks are loaded.
  func predictor(_ networks: GuidanceNetworks, count: Int, for sampler: any Sampler) -> any Predictor {
    let plain = networks.strong
    guard options.isOn && !followsGuidance else { return plain }
    func all(_ label: Int) -> Condition { Condition(labels: [label]).repeated(count) }
    let guided: any Predictor
    let rescale = options.rescale
    if let weak = networks.weak {
      guided = Autoguidance(plain, weak: weak, scale: scale, rescale: rescale)
    } else if let negativeScale = options.negativeScale, let nullClass {
      guided = NegativeGuidance(
        plain, unconditional: all(nullClass), negatives: negatives.map(all), scale: scale,
        negativeScale: negativeScale, isPerpendicular: options.perpendicularNegative, rescale: rescale)
    } else {
      let sides = negatives.isEmpty ? [nullClass].compactMap { $0 } : negatives
      guard !sides.isEmpty else { return plain }
      guided = ClassifierFreeGuidance(
        plain, unconditional: sides.map(all), scale: scale, rescale: rescale, opposite: networks.opposite)
    }
    guard options.start > 0 || options.end < 1 else { return guided }
    return GuidanceInterval(guided, plain: plain, start: options.start, end: options.end, of: sampler)
  }

  /// How often a network runs an evaluation.
  var sides: Int {
    if followsGuidance { return 1 }
    if readsText { return scale == 1 ? 1 : 2 }
    if !options.isOn { return 1 }
    if weak != nil { return 2 }
    return options.negativeScale == nil ? 1 + max(1, negatives.count) : 2 + negatives.count
  }

  /// Writes down what decides the picture.
  func record(in recipe: inout Recipe) {
    if isClassConditional || readsText || options.isOn { recipe.guidanceScale = Double(scale) }
    if options.rescale != 0 { recipe.guidanceRescale = Double(options.rescale) }
    if options.start != 0 { recipe.guidanceStart = Double(options.start) }
    if options.end != 1 { recipe.guidanceEnd = Double(options.end) }
    if !negatives.isEmpty { recipe.negativeClasses = negatives }
    recipe.negativeScale = options.negativeScale.map(Double.init)
    if options.perpendicularNegative { recipe.perpendicularNegative = true }
    recipe.autoguidance = options.autoguidance
    recipe.autoguidanceHash = weakHash
  }
}

/// The networks that a guided run asks.
struct GuidanceNetworks {
  var strong: any Predictor
  /// Of autoguidance.
  let weak: (any Predictor)?
  /// Who speaks for what is guided away from, where that is another than the strong one.
  var opposite: (any Predictor)?
}
