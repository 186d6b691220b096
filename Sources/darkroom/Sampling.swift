import Foundation
import Models
import Pictures
import Pipelines
import Schedulers

/// What `sample` and `compare` have in common: a model's folder, the classes and the size that are asked of it. Everything
/// that can be refused is refused when it is made, before any weights are loaded.
struct Sampling {
  let folder: ModelFolder
  let labels: ClassChoice.Labels
  /// Of the pictures, in pixels.
  let size: (height: Int, width: Int)
  /// What a model that reads texts is told; nil for another.
  let prompting: Prompting?
  private let guidance: GuidanceChoice

  /// - Parameters:
  ///   - lines: the prompts of a file, in place of the one among `prompts`.
  ///   - perPrompt: how many pictures are made of each prompt.
  ///   - size: width and height where the command names them; the model's own otherwise.
  /// - Throws: `Failure`, or the folder's errors.
  init(
    _ folder: ModelFolder, classes: [String], prompts: PromptOptions, lines: [String]? = nil,
    perPrompt: Int = 1,
    guidance: GuidanceOptions, size: (width: Int?, height: Int?) = (nil, nil)
  ) throws {
    self.folder = folder
    let config = folder.config
    self.size = try Self.pixels(folder, size)
    let channels = folder.vae?.config.outChannels ?? config.inChannels
    // A network that also says how sure it is has twice the channels.
    guard [1, 3].contains(channels),
      [1, 2].map({ $0 * config.inChannels }).contains(config.predictedChannels)
    else {
      throw Failure(
        "\(folder.url.relativePath) makes \(config.predictedChannels) channels of \(config.inChannels); pictures have 1 or 3, or "
          + "twice as many where the network predicts a variance too.")
    }
    if let text = folder.text {
      prompting = try Prompting(folder, text, prompts, lines: lines, perPrompt: perPrompt)
    } else {
      guard !prompts.areGiven && lines == nil else {
        throw Failure(
          "\(folder.url.relativePath) reads no texts; leave --prompt and what goes with it out"
            + (config.isClassConditional ? ", and name a --class." : "."))
      }
      prompting = nil
    }
    labels = try ClassChoice(folder).labels(
      classes, guided: prompting == nil && guidance.needsNullClass)
    self.guidance = try GuidanceChoice(
      guidance, folder, nullClass: labels.nullClass, readsText: prompting != nil)
    if self.guidance.scale == 1, prompting?.negative != nil {
      Console.note("at --guidance-scale 1 nothing leads away from the negative prompt; it is not used")
    }
  }

  /// Height and width of what is denoised.
  var latentSize: (height: Int, width: Int) { (size.height / factor, size.width / factor) }

  /// How often a network runs an evaluation: once a side of the guidance.
  var sides: Int { guidance.sides }

  /// Pixels that one of the denoiser's stands for.
  private var factor: Int { Self.factor(folder) }

  /// Of the noise that `count` pictures begin with.
  func shape(count: Int) -> [Int] {
    [count, folder.config.inChannels, latentSize.height, latentSize.width]
  }

  /// What the network is told of the pictures of these numbers.
  func condition(_ pictures: Range<Int>) -> Condition { Condition(labels: labels[pictures]) }

  /// What the network is told of the prompts in a sampler's steps; none where it reads none. The text encoders are in memory
  /// only meanwhile, so this is best asked before the network is loaded.
  func prompts(_ sampler: any Sampler) throws -> [PromptConditions] {
    try folder.text.flatMap { try prompting?.conditions($0, steps: sampler.stepStarts.count, size: size) }
      ?? []
  }

  /// Who predicts, for the pictures of these numbers.
  ///
  /// - Parameters:
  ///   - prompts: what the network is told of each prompt.
  ///   - sampler: whose steps prompts change at.
  ///   - steering: ControlNets that steer the network.
  func predictor(
    _ networks: GuidanceNetworks, _ pictures: Range<Int>, prompts: [PromptConditions],
    sampler: any Sampler, steering: Steering? = nil
  ) -> any Predictor {
    let networks = steering?.steering(networks, sampler) ?? networks
    if let prompting {
      return PromptPredictor(
        networks.strong, prompting.runs(pictures).map { (prompts[$0.prompt], $0.count) },
        scale: guidance.scale,
        sampler: sampler, opposite: networks.opposite)
    }
    return guidance.predictor(networks, count: pictures.count, for: sampler)
  }

  /// Loads the networks.
  ///
  /// - Parameter batchSize: the most pictures that go through one at a time.
  func networks(batchSize: Int) throws -> GuidanceNetworks {
    GuidanceNetworks(
      strong: NetworkPredictor(try folder.denoiser(), batchSize: batchSize),
      weak: try guidance.weak.map { NetworkPredictor(try $0.denoiser(), batchSize: batchSize) })
  }

  /// Writes down what was asked of the model for the picture of a number.
  func record(_ number: Int, in recipe: inout Recipe) {
    (recipe.classLabel, recipe.className) = (labels[number], labels.name(number))
    (recipe.prompt, recipe.negativePrompt) = (prompting?.prompt(number), prompting?.negative)
    guidance.record(in: &recipe)
  }

  private static func factor(_ folder: ModelFolder) -> Int { folder.vae?.config.downsampling ?? 1 }

  private static func pixels(
    _ folder: ModelFolder, _ asked: (width: Int?, height: Int?)
  ) throws -> (height: Int, width: Int) {
    let factor = factor(folder)
    let own = folder.config.nativeSize.map { (height: $0.height * factor, width: $0.width * factor) }
    guard let width = asked.width ?? own?.width, let height = asked.height ?? own?.height else {
      throw Failure("\(folder.url.relativePath) does not say its size; add --size WIDTHxHEIGHT.")
    }
    let multiple = folder.config.sizeMultiple * factor
    guard height % multiple == 0, width % multiple == 0, min(height, width) > 0, max(height, width) <= 8192
    else {
      throw Failure(
        "this model cannot make \(width)x\(height): both sides must be multiples of \(multiple), up to 8192.")
    }
    return (height, width)
  }
}

/// `--size`, or its parts as other programs name them.
struct SizeOptions {
  /// - Throws: `Failure` for another form, or for a size given twice.
  static func parsed(_ size: String?, width: Int?, height: Int?) throws -> (width: Int?, height: Int?) {
    guard let size else { return (width, height) }
    guard width == nil, height == nil else {
      throw Failure.usage("--size and --width or --height exclude each other.")
    }
    let parts = size.lowercased().split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let width = parts[0], let height = parts[1], width > 0, height > 0 else {
      throw Failure.usage("--size \(size) is not of the form WIDTHxHEIGHT, such as 64x48.")
    }
    return (width, height)
  }
}
