import TensorCore

/// The configuration of an `AutoencoderKL`: diffusers' keys and defaults.
public struct AutoencoderKLConfig: Sendable, Equatable {
  /// Blocks of the encoder.
  public enum DownBlockType: String, Codable, Sendable, CaseIterable {
    case plain = "DownEncoderBlock2D"
    case attention = "AttnDownEncoderBlock2D"
  }

  /// Blocks of the decoder.
  public enum UpBlockType: String, Codable, Sendable, CaseIterable {
    case plain = "UpDecoderBlock2D"
    case attention = "AttnUpDecoderBlock2D"
  }

  /// Channels of a picture.
  public var inChannels = 3
  /// Channels of a picture that was decoded.
  public var outChannels = 3
  /// Blocks of the encoder, from the full resolution down.
  public var downBlockTypes: [DownBlockType] = [.plain]
  /// Blocks of the decoder, from the lowest resolution up.
  public var upBlockTypes: [UpBlockType] = [.plain]
  /// Channels of each resolution, from the full one down.
  public var blockOutChannels = [64]
  /// Residual blocks of an encoder's block; a decoder's has one more.
  public var layersPerBlock = 1
  /// The activation inside residual blocks.
  public var actFn = Activation.silu
  /// Channels of the latents.
  public var latentChannels = 4
  /// Groups of all normalisations.
  public var normNumGroups = 32
  /// Height and width of pictures, in pixels: the size of a tile, no limit.
  public var sampleSize: [Int]? = [32, 32]
  /// What latents are multiplied by before a denoiser sees them, to deviate by 1; not 0.
  public var scalingFactor: Float = 0.18215
  /// What is taken from latents before that.
  public var shiftFactor: Float?
  /// Whether half precision is left for this network; written and read for diffusers, since all is f32 here.
  public var forceUpcast = true
  /// Whether a 1×1 convolution follows the encoder.
  public var useQuantConv = true
  /// Whether a 1×1 convolution precedes the decoder.
  public var usePostQuantConv = true
  /// Whether the lowest resolutions have attention.
  public var midBlockAddAttention = true

  /// diffusers' defaults.
  public init() {}

  /// How many times smaller latents are, in both directions.
  public var downsampling: Int { 1 << (blockOutChannels.count - 1) }
}

/// Autoencoders that have names, from the smallest.
public enum AutoencoderKLPreset: String, Sendable, CaseIterable {
  /// 1.0 M parameters, four times smaller latents of four channels: learns simple pictures in minutes on two cores.
  case tinyF4 = "vae-tiny-f4"
  /// 83.7 M parameters, eight times smaller latents: Stable Diffusion's (Rombach et al. 2022, "KL-f8").
  case klF8 = "vae-kl-f8"

  /// Its configuration.
  public var config: AutoencoderKLConfig {
    var config = AutoencoderKLConfig()
    switch self {
    case .tinyF4:
      config.blockOutChannels = [32, 64, 64]
      config.layersPerBlock = 1
      config.normNumGroups = 8
    case .klF8:
      config.blockOutChannels = [128, 256, 512, 512]
      config.layersPerBlock = 2
      config.sampleSize = [512, 512]
    }
    config.downBlockTypes = config.blockOutChannels.map { _ in .plain }
    config.upBlockTypes = config.blockOutChannels.map { _ in .plain }
    return config
  }
}
