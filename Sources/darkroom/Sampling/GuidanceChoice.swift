import Files
import Foundation
import Models
import Pictures
import Pipelines
import Schedulers

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
    let name = folder.url.relativePath
    followsGuidance = folder.config.followsGuidance
    scale = options.scale ?? (readsText ? Self.textGuidance : 1)
    if readsText, !options.negativeClasses.isEmpty {
      throw Failure("--negative-class does not go with \(name), which reads texts; use --negative-prompt.")
    }
    // What has no effect is said, not passed over.
    if let idle = options.firstBesideScale {
      if followsGuidance {
        throw Failure("\(idle) does not go with \(name), whose network follows --guidance-scale by itself.")
      }
      if !options.isOn(at: scale) {
        throw Failure.usage("\(idle) does nothing at --guidance-scale 1; give a scale above 1.")
      }
    }
    let classes = ClassChoice(folder)
    negatives = try options.negativeClasses.map { try classes.index(of: $0) }
    weak = try options.autoguidance.map { try ModelFolder(URL(argument: $0, "--autoguidance")) }
    if let weak { try Self.check(weak, beside: folder) }
    weakHash = try weak?.denoiserComponent.checkpoint.hash()
    isClassConditional = folder.config.isClassConditional
    if readsText ? scale != 1 && weak == nil : options.needsNullClass, folder.notes.labelDropout == 0 {
      let (what, none) = readsText ? ("caption", "empty text") : ("label", "no class")
      Console.note(
        "\(name) was trained without \(what) drop-out, so that it never saw \(none); guidance away from it is a guess."
      )
    }
  }

  /// A weaker model must say the same thing of the same noisy pictures.
  private static func check(_ weak: ModelFolder, beside folder: ModelFolder) throws {
    let (a, b) = (weak.config, folder.config)
    let noises = (try TrainingNoise(weak.scheduler), try TrainingNoise(folder.scheduler))
    let problem: String? =
      if (weak.text == nil) != (folder.text == nil) {
        weak.text == nil ? "reads no texts" : "reads texts"
      } else if a.inChannels != b.inChannels || a.predictedChannels != b.predictedChannels {
        "takes \(a.inChannels) channels and gives \(a.predictedChannels), not \(b.inChannels) and \(b.predictedChannels)"
      } else if a.isClassConditional != b.isClassConditional || a.classEmbeddings != b.classEmbeddings {
        "knows other classes"
      } else if a.followsGuidance {
        "follows --guidance-scale by itself"
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

  /// Whether anything leads anywhere but the condition itself.
  var isOn: Bool { options.isOn(at: scale) && !followsGuidance }

  /// Whether a negative prompt is a branch of its own.
  var hasNegativeBranch: Bool { options.negativeScale != nil }

  /// Who predicts, once the networks are loaded.
  ///
  /// - Parameters:
  ///   - condition: what the network is told besides prompts, a row a picture.
  ///   - prompts: of the pictures, for networks that read texts.
  ///   - sampler: whose steps guidance may begin and end at.
  func predictor(
    _ networks: GuidanceNetworks, _ condition: Condition, prompts: PicturePrompts?, for sampler: any Sampler
  ) -> any Predictor {
    func prompted(_ network: any Predictor, _ prompts: [(PromptConditions, Int)]?) -> any Predictor {
      prompts.map { PromptPredictor(network, $0, sampler: sampler) } ?? network
    }
    let plain = prompted(networks.strong, prompts?.strong)
    guard isOn else { return plain }
    let guided: any Predictor
    if let weak = networks.weak {
      guided = Autoguidance(
        plain, weak: prompted(weak, prompts?.weak), scale: scale, rescale: options.rescale)
    } else if let prompts {
      guided = PromptPredictor(networks.strong, prompts.strong, sampler: sampler) { network, sides in
        branches(
          network, against: [sides.unconditional], avoiding: sides.negatives, composition: sides.composition,
          opposite: networks.opposite)
      }
    } else {
      func all(_ label: Int) -> Condition {
        var all = condition
        (all.labels, all.blend) = (condition.labels?.map { _ in label }, nil)
        return all
      }
      let none = [nullClass].compactMap { $0 }.map(all)
      let isBranch = hasNegativeBranch && nullClass != nil
      let against = isBranch || negatives.isEmpty ? none : negatives.map(all)
      guard !against.isEmpty else { return plain }
      guided = branches(
        networks.strong, against: against, avoiding: isBranch ? negatives.map(all) : [],
        opposite: networks.opposite)
    }
    guard options.start > 0 || options.end < 1 else { return guided }
    return GuidanceInterval(guided, plain: plain, start: options.start, end: options.end, of: sampler)
  }

  /// Classifier-free guidance, with what is avoided by a strength of its own as branches beside it.
  private func branches(
    _ network: any Predictor, against: [Condition], avoiding negatives: [Condition],
    composition: Composition? = nil, opposite: (any Predictor)?
  ) -> any Predictor {
    if let negativeScale = options.negativeScale, !negatives.isEmpty {
      return NegativeGuidance(
        network, unconditional: against[0], negatives: negatives, scale: scale, negativeScale: negativeScale,
        isPerpendicular: options.perpendicularNegative, rescale: options.rescale, composition: composition)
    }
    return ClassifierFreeGuidance(
      network, unconditional: against, scale: scale, rescale: options.rescale, composition: composition,
      opposite: opposite)
  }

  /// How often a network runs an evaluation.
  var sides: Int {
    if !isOn { return 1 }
    if weak != nil { return 2 }
    if readsText { return hasNegativeBranch ? 3 : 2 }
    return options.negativeScale == nil ? 1 + max(1, negatives.count) : 2 + negatives.count
  }

  /// The hashes of what the weaker model reads texts with, by the files' paths as the command line has them.
  ///
  /// - Throws: what reading a file throws.
  func hashes() throws -> [String: String] {
    guard let path = options.autoguidance, let text = weak?.text else { return [:] }
    return try text.encoders.reduce(into: [:]) { hashes, parts in
      let folder = (path.hasSuffix("/") ? path : path + "/") + parts.encoder.place.name
      hashes.merge(try HashCache().hashes(of: parts.encoder.checkpoint.fileURLs, inFolder: folder)) {
        first, _ in
        first
      }
    }
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
