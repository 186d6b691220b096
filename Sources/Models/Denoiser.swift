import Foundation
import NN
import TensorCore

/// A network that says what noisy pictures, or noisy latents, hold.
public protocol Denoiser {
  /// Its tensors by key.
  var parameters: ParameterStore { get }
  /// The prediction for a noisy batch.
  ///
  /// - Parameters:
  ///   - x: `[N, C, H, W]`.
  ///   - timesteps: N of them.
  ///   - labels: the class of each, where the network is class-conditional.
  ///   - dropout: the key of this step's drop-out; nil outside training.
  /// - Returns: `[N, C', H, W]`, with C' the channels that the configuration says.
  func callAsFunction(_ x: Tensor, timesteps: [Float], labels: ClassLabels?, dropout: NoiseKey?) -> Tensor
}

extension UNet2D: Denoiser {}
extension DiT: Denoiser {}

/// What a class-conditional network is told.
public enum ClassLabels {
  /// A class a picture.
  case indices([Int])
  /// `[N, E]`, added to the time embedding as it is: `class_embed_type` identity of a U-Net.
  case vectors(Tensor)
}

/// The configuration of a denoiser of any kind.
public enum DenoiserConfig: Sendable, Equatable {
  case unet(UNet2DConfig)
  case dit(DiTConfig)

  /// Reads and validates a `config.json`.
  ///
  /// - Parameter component: the name of its folder in a pipeline.
  /// - Throws: `ConfigError`, naming the file.
  public init(component: Component, contentsOf url: URL) throws {
    self =
      switch component {
      case .unet: .unet(try UNet2DConfig(contentsOf: url))
      case .transformer: .dit(try DiTConfig(contentsOf: url))
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

  /// What diffusers' pipelines call a denoiser of a kind.
  public enum Component: String, Sendable, CaseIterable { case unet, transformer }

  /// What diffusers' pipelines call it.
  public var component: Component {
    switch self {
    case .unet: .unet
    case .dit: .transformer
    }
  }

  /// The configuration itself.
  public var wrapped: any ModelConfig {
    switch self {
    case .unet(let config): config
    case .dit(let config): config
    }
  }

  /// diffusers' name of the class.
  public var className: String { type(of: wrapped).className }

  /// Builds the network.
  ///
  /// - Throws: `ConfigError`, `CheckpointError` or `SafetensorsError`.
  public func make(_ store: ParameterStore) throws -> any Denoiser {
    switch self {
    case .unet(let config): try UNet2D(config, store)
    case .dit(let config): try DiT(config, store)
    }
  }

  /// Channels of the noisy input.
  public var inChannels: Int {
    switch self {
    case .unet(let config): config.inChannels
    case .dit(let config): config.inChannels
    }
  }

  /// Channels of the prediction.
  public var outChannels: Int {
    switch self {
    case .unet(let config): config.outChannels
    case .dit(let config): config.predictedChannels
    }
  }

  /// Height and width of what it denoises; nil where it does not say.
  public var sampleSize: [Int]? {
    switch self {
    case .unet(let config): config.sampleSize
    case .dit(let config): [config.sampleSize, config.sampleSize]
    }
  }

  /// Height and width must be multiples of this.
  public var sizeMultiple: Int {
    switch self {
    case .unet(let config): config.sizeMultiple
    case .dit(let config): config.patchSize
    }
  }

  /// What it wants to be told about classes.
  public enum Classes: Sendable, Equatable {
    case none
    /// One of so many indices, or of any.
    case indices(count: Int?)
    case vectors
  }

  /// What it wants to be told about classes; a transformer's class for none is no class of these.
  public var classes: Classes {
    switch self {
    case .unet(let config) where config.classEmbedType == .identity: .vectors
    case .unet(let config) where config.isClassConditional: .indices(count: config.numClassEmbeds)
    case .unet: .none
    case .dit(let config): .indices(count: config.numEmbedsAdaNorm)
    }
  }

  /// The class index that stands for none, where the kind of network has one by construction.
  public var nullClass: Int? {
    switch self {
    case .unet: nil
    case .dit(let config): config.nullClass
    }
  }
}
