import Foundation
import NN
import TensorCore

/// A network that says what a noisy batch holds.
public protocol Denoiser {
  /// Its tensors by key.
  var parameters: ParameterStore { get }
  /// [N, C, H, W] → [N, C or 2C, H, W].
  ///
  /// - Parameters:
  ///   - timesteps: N of them.
  ///   - condition: what is known about the pictures, a row each.
  ///   - dropout: the key of this step's drop-out; nil outside training.
  func predict(_ x: Tensor, timesteps: [Float], condition: Condition, dropout: NoiseKey?) -> Tensor
}

extension UNet2D: Denoiser {
  /// What the network gives, as `Denoiser` describes it.
  public func predict(_ x: Tensor, timesteps: [Float], condition: Condition, dropout: NoiseKey?) -> Tensor {
    self(
      condition.joined(to: x), timesteps: timesteps, labels: condition.labels.map { .indices($0) },
      dropout: dropout)
  }
}

extension DiT: Denoiser {
  /// What the network gives, as `Denoiser` describes it.
  public func predict(_ x: Tensor, timesteps: [Float], condition: Condition, dropout: NoiseKey?) -> Tensor {
    let labels = condition.labels ?? timesteps.map { _ in config.nullClass }
    return self(condition.joined(to: x), timesteps: timesteps, labels: labels, dropout: dropout)
  }
}

/// The configuration of a denoiser of either family.
public enum DenoiserConfig: Sendable, Equatable {
  case unet(UNet2DConfig)
  case dit(DiTConfig)

  /// diffusers' name of the part of a pipeline that it is, and of its folder.
  public var component: String {
    switch self {
    case .unet: "unet"
    case .dit: "transformer"
    }
  }

  /// diffusers' name of the class.
  public var className: String {
    switch self {
    case .unet: UNet2DConfig.className
    case .dit: DiTConfig.className
    }
  }

  /// Channels of what is denoised.
  public var inChannels: Int {
    switch self {
    case .unet(let config): config.inChannels
    case .dit(let config): config.inChannels
    }
  }

  /// Channels of the prediction; twice as many where it says something about the variance too.
  public var predictedChannels: Int {
    switch self {
    case .unet(let config): config.outChannels
    case .dit(let config): config.predictedChannels
    }
  }

  /// Height and width that it was made for, where it says so.
  public var sampleSize: [Int]? {
    switch self {
    case .unet(let config): config.sampleSize
    case .dit(let config): [config.sampleSize, config.sampleSize]
    }
  }

  /// What both sides must be multiples of.
  public var sizeMultiple: Int {
    switch self {
    case .unet(let config): config.sizeMultiple
    case .dit(let config): config.patchSize
    }
  }

  /// Whether it is told a class; a transformer always is.
  public var isClassConditional: Bool {
    switch self {
    case .unet(let config): config.isClassConditional
    case .dit: true
    }
  }

  /// How many classes it has embeddings for, the one for none included.
  public var classEmbeddings: Int? {
    switch self {
    case .unet(let config): config.numClassEmbeds
    case .dit(let config): config.numEmbedsAdaNorm + 1
    }
  }

  /// The class that stands for none, where the network itself has one.
  public var nullClass: Int? {
    switch self {
    case .unet: nil
    case .dit(let config): config.nullClass
    }
  }

  /// The same network for maps of a size and so many classes, 0 for none.
  public func prepared(size: Int, classes: Int) -> DenoiserConfig {
    switch self {
    case .unet(var config):
      config.sampleSize = [size, size]
      config.numClassEmbeds = classes == 0 ? nil : classes + 1
      return .unet(config)
    case .dit(var config):
      config.sampleSize = size
      config.numEmbedsAdaNorm = max(1, classes)
      return .dit(config)
    }
  }

  /// Makes the prediction twice as wide as what is denoised: its second half says something about the variance.
  public mutating func learnVariance() {
    switch self {
    case .unet(var config):
      config.outChannels = 2 * config.inChannels
      self = .unet(config)
    case .dit(var config):
      config.outChannels = 2 * config.inChannels
      self = .dit(config)
    }
  }

  /// - Throws: `ConfigError`, which names the key.
  public func validate() throws(ConfigError) {
    switch self {
    case .unet(let config): try config.validate()
    case .dit(let config): try config.validate()
    }
  }

  /// Builds the network.
  ///
  /// - Throws: `ConfigError`, `CheckpointError` or `SafetensorsError`.
  public func build(_ store: ParameterStore) throws -> any Denoiser {
    switch self {
    case .unet(let config): try UNet2D(config, store)
    case .dit(let config): try DiT(config, store)
    }
  }

  /// As the JSON of a `config.json`.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    switch self {
    case .unet(let config): return try encoder.encode(config)
    case .dit(let config): return try encoder.encode(config)
    }
  }

  /// The network of a preset's name, or nil where there is none of it.
  public init?(preset name: String) {
    if let preset = UNet2DPreset(rawValue: name) {
      self = .unet(preset.config)
    } else if let preset = DiTPreset(rawValue: name) {
      self = .dit(preset.config)
    } else {
      return nil
    }
  }

  /// All names of presets.
  public static let presetNames = UNet2DPreset.allCases.map(\.rawValue) + DiTPreset.allCases.map(\.rawValue)

  /// Reads a `config.json` of either class, told by its `_class_name`; a file without one is a `UNet2DModel`'s.
  ///
  /// - Throws: `ConfigError`, naming the file.
  public init(contentsOf url: URL) throws {
    struct Named: Decodable { let _class_name: String? }
    let name = (try? Data(contentsOf: url)).flatMap { try? JSONDecoder().decode(Named.self, from: $0) }?
      ._class_name
    switch name {
    case DiTConfig.className, "Transformer2DModel": self = .dit(try DiTConfig(contentsOf: url))
    default: self = .unet(try UNet2DConfig(contentsOf: url))
    }
  }
}
