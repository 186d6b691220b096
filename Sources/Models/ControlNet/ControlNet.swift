import Foundation
import NN
import TensorCore

/// A copy of part of a network that reads a picture and steers the network by what it adds inside (Zhang et al. 2023, "Adding
/// conditional control to text-to-image diffusion models").
///
/// Maps of zeros stand before all that it adds, so that a fresh one changes nothing.
public protocol ControlNet {
  /// Its tensors by key. Those that the base has too have the base's keys.
  var parameters: ParameterStore { get }

  /// What it adds to its base for a noisy batch, not yet scaled.
  ///
  /// - Parameters:
  ///   - x: `[N, C, H, W]`, as the base is given it.
  ///   - timesteps: N of them.
  ///   - condition: what the base is told.
  ///   - image: what steers, `[N, C′, H′, W′]` in 0 … 1; as many times larger than x as its embedding makes it smaller.
  ///   - dropout: the key of this step's drop-out; nil outside training.
  func residuals(
    _ x: Tensor, timesteps: [Float], condition: Condition, image: Tensor, dropout: NoiseKey?
  ) -> ControlResiduals
}

extension ControlNet {
  /// Takes over the weights of the base wherever it has a copy of its parts: how training begins.
  public func copyWeights(of base: ParameterStore) {
    let theirs = Dictionary(uniqueKeysWithValues: base.all.map { ($0.key, $0.tensor) })
    for (key, tensor) in parameters.all {
      if let source = theirs[key], source.shape == tensor.shape { tensor.overwrite(with: source) }
    }
  }
}

/// The configuration of a `ControlNet`: diffusers' `config.json`, or one of this program's own for bases that diffusers has no
/// ControlNet for.
public protocol ControlNetConfig: ModelConfig {
  /// Channels of the picture that steers.
  var conditioningChannels: Int { get }
  /// How many times smaller than the picture the base's input is.
  var conditioningDownsampling: Int { get }
  /// That of a ControlNet for a base, or nil for a base of another family.
  ///
  /// - Parameters:
  ///   - channels: of the picture that steers.
  ///   - downsampling: how many times smaller than the picture the base's input is, a power of two: 1 for pixels, 8 for the
  ///     latents of Stable Diffusion.
  init?(for base: any ModelConfig, channels: Int, downsampling: Int)
  /// What one input of this size costs, roughly.
  func cost(height: Int, width: Int) -> ForwardCost?
  /// Whether it steers networks of this configuration.
  ///
  /// - Throws: `ConfigError`, which names what differs.
  func validate(for base: any ModelConfig) throws(ConfigError)
  /// Builds the network.
  ///
  /// - Throws: `ConfigError`, `CheckpointError` or `SafetensorsError`.
  func build(_ store: ParameterStore) throws -> any ControlNet
}

/// The families of ControlNets.
public enum ControlNetFamilies {
  /// All of them.
  public static let all: [any ControlNetConfig.Type] = [
    ControlNetModelConfig.self, UNet2DControlNetConfig.self, DiTControlNetConfig.self,
  ]

  /// That of a fresh ControlNet for a base, or nil where no family steers such a base.
  public static func config(for base: any ModelConfig, channels: Int = 3, downsampling: Int)
    -> (any ControlNetConfig)?
  {
    for family in all {
      if let config = family.init(for: base, channels: channels, downsampling: downsampling) { return config }
    }
    return nil
  }

  /// Reads a `config.json`, whose family its `_class_name` tells.
  ///
  /// - Throws: `ConfigError`, naming the file.
  public static func config(contentsOf url: URL) throws -> any ControlNetConfig {
    struct Named: Decodable { let _class_name: String? }
    let name = (try? Data(contentsOf: url)).flatMap { try? JSONDecoder().decode(Named.self, from: $0) }?
      ._class_name
    guard let family = all.first(where: { $0.className == name }) else {
      throw ConfigError(
        file: url.relativePath,
        "describes a \(name ?? "network without a _class_name"), which is no ControlNet known here; "
          + "\(all.map { $0.className }.joined(separator: ", ")) are known")
    }
    return try family.init(contentsOf: url)
  }
}

extension ControlResiduals {
  /// As a base takes them.
  ///
  /// - Parameters:
  ///   - scale: how much of them; 1 as trained.
  ///   - isGuess: whether a text is to be guessed from the picture alone: what is added at the full resolution then counts a
  ///     tenth of what is added in the middle, and what is between in steps of one ratio.
  public func scaled(by scale: Float, isGuess: Bool = false) -> ControlResiduals {
    let last = Float(blocks.count)
    func factor(_ i: Int) -> Float { isGuess ? scale * pow(10, Float(i) / last - 1) : scale }
    func scaled(_ residual: Tensor, _ factor: Float) -> Tensor { factor == 1 ? residual : factor * residual }
    return ControlResiduals(
      blocks: blocks.enumerated().map { scaled($1, factor($0)) },
      middle: middle.map { scaled($0, factor(blocks.count)) })
  }

  /// What two ControlNets add together; both must be for the same base.
  public static func + (a: ControlResiduals, b: ControlResiduals) -> ControlResiduals {
    precondition(a.blocks.count == b.blocks.count, "residuals for unlike networks")
    return ControlResiduals(
      blocks: zip(a.blocks, b.blocks).map { $0 + $1 },
      middle: a.middle.map { middle in b.middle.map { middle + $0 } ?? middle } ?? b.middle)
  }
}
