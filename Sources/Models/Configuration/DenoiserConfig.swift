import Foundation
import NN

/// The configuration of a network that says what a noisy batch holds.
///
/// A family of networks is a type that conforms to this and stands in `DenoiserFamilies.all`; what opens, trains or samples
/// models asks here, and knows no family by name.
public protocol DenoiserConfig: ModelConfig {
  /// diffusers' name of the part of a pipeline that it is, and of its folder.
  static var component: String { get }
  /// Other names of the class in `config.json`, of older releases; none unless given.
  static var formerClassNames: [String] { get }
  /// Networks that have names, from the smallest; none unless given.
  static var presets: [(name: String, config: Self)] { get }

  /// Channels of its input: of what is denoised, and of what is shown beside it.
  var inChannels: Int { get }
  /// Channels of the prediction; twice as many where it says something about the variance too.
  var predictedChannels: Int { get }
  /// Height and width that it was made for, in values of its input, where it says so: a default, no limit.
  var nativeSize: (height: Int, width: Int)? { get }
  /// What both sides must be multiples of.
  var sizeMultiple: Int { get }
  /// How it is told a class.
  var classInput: ClassInput { get }
  /// The class that stands for none, where the network itself has one; nil unless given.
  var nullClass: Int? { get }
  /// How it is told a text; nil, as it is unless given, where it reads none.
  var textInput: TextInput? { get }
  /// Whether it is told a scale of guidance and follows it by itself; false unless given.
  var followsGuidance: Bool { get }
  /// How many timesteps it has embeddings for; nil, as it is unless given, where any number is one.
  var knownTimesteps: Int? { get }
  /// Its blocks, in a line for people.
  var structure: String { get }

  /// What one input of this size costs on its way through, roughly; nil, as it is unless given, where that is not known.
  func cost(height: Int, width: Int) -> ForwardCost?

  /// The same network for maps of a size and so many classes, 0 for none.
  func prepared(size: Int, classes: Int) -> Self
  /// The same network for inputs of so many channels; the prediction stays as wide, or twice as wide, as the input.
  func with(channels: Int) -> Self
  /// Makes the prediction twice as wide as what is denoised: its second half says something about the variance.
  mutating func learnVariance()
  /// Builds the network.
  ///
  /// - Throws: `ConfigError`, `CheckpointError` or `SafetensorsError`.
  func build(_ store: ParameterStore) throws -> any Denoiser
}

/// How a network is told a class.
public enum ClassInput: Sendable, Equatable {
  /// Not at all.
  case none
  /// By a row of a table that has so many, the one for none included.
  case row(of: Int)
  /// By a number, embedded as timesteps are.
  case number
  /// By a vector, as wide as the embedding of a timestep.
  case vector
}

extension DenoiserConfig {
  /// None.
  public static var formerClassNames: [String] { [] }
  /// None.
  public static var presets: [(name: String, config: Self)] { [] }
  /// None.
  public var nullClass: Int? { nil }
  /// None.
  public var textInput: TextInput? { nil }
  /// It does not.
  public var followsGuidance: Bool { false }
  /// Any.
  public var knownTimesteps: Int? { nil }

  /// Not known.
  public func cost(height: Int, width: Int) -> ForwardCost? { nil }

  /// Whether it is told a class; some networks always are.
  public var isClassConditional: Bool { classInput != .none }

  /// Whether it paints holes in pictures: after what is denoised it takes a mask, and the picture without what the mask hides
  /// (Rombach et al. 2022, section 4.5; diffusers' inpainting U-Nets of nine channels).
  public var isInpainting: Bool { inChannels == 2 * predictedChannels + 1 }

  /// Channels of what is denoised.
  public var denoisedChannels: Int { isInpainting ? predictedChannels : inChannels }

  /// How many classes it has embeddings for, the one for none included; nil where it has no table of them.
  public var classEmbeddings: Int? {
    if case .row(let rows) = classInput { rows } else { nil }
  }

  /// Whether both describe the same network.
  public func isEqual(to other: any DenoiserConfig) -> Bool { other as? Self == self }
}

/// The families of networks that can denoise.
public enum DenoiserFamilies {
  /// All of them. A family that is added here can be opened, trained and sampled.
  public static let all: [any DenoiserConfig.Type] = [
    UNet2DConfig.self, UNet2DConditionConfig.self, DiTConfig.self,
  ]

  /// The names of their classes, for messages.
  public static var classNames: [String] { all.map { $0.className } }

  /// All names of presets.
  public static var presetNames: [String] { all.flatMap { family in family.presets.map { $0.name } } }

  /// The network of a preset's name, or nil where there is none of it.
  public static func config(preset name: String) -> (any DenoiserConfig)? {
    for family in all {
      if let config = preset(name, of: family) { return config }
    }
    return nil
  }

  private static func preset<F: DenoiserConfig>(_ name: String, of _: F.Type) -> (any DenoiserConfig)? {
    F.presets.first { $0.name == name }?.config
  }

  /// The family of a class's name, or nil.
  public static func named(_ className: String) -> (any DenoiserConfig.Type)? {
    all.first { $0.className == className || $0.formerClassNames.contains(className) }
  }

  /// Reads a `config.json`, whose family its `_class_name` tells; a file without one is a `UNet2DModel`'s.
  ///
  /// - Throws: `ConfigError`, naming the file, and the class where it is none of these.
  public static func config(contentsOf url: URL) throws -> any DenoiserConfig {
    guard let name = ModelClass.name(in: url) else { return try UNet2DConfig(contentsOf: url) }
    guard let family = named(name) else {
      throw ConfigError(
        file: url.relativePath,
        "describes a \(name), which is no network that can denoise here; "
          + "these can: \(classNames.joined(separator: ", "))")
    }
    return try family.init(contentsOf: url)
  }
}

/// What a `config.json` says it is of.
public enum ModelClass {
  /// Its `_class_name`; nil where there is none, or no such file.
  public static func name(in url: URL) -> String? {
    struct Named: Decodable { let _class_name: String? }
    guard let data = try? Data(contentsOf: url) else { return nil }
    return (try? JSONDecoder().decode(Named.self, from: data))?._class_name
  }
}
