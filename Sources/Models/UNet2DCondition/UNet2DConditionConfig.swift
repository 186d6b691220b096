import TensorCore

/// The configuration of a `UNet2DCondition`: diffusers' `UNet2DConditionModel` keys and defaults.
public struct UNet2DConditionConfig: Sendable, Equatable {
  /// Blocks of the contracting path.
  public enum DownBlockType: String, Codable, Sendable, CaseIterable {
    case plain = "DownBlock2D"
    case crossAttention = "CrossAttnDownBlock2D"
  }

  /// Blocks of the expanding path.
  public enum UpBlockType: String, Codable, Sendable, CaseIterable {
    case plain = "UpBlock2D"
    case crossAttention = "CrossAttnUpBlock2D"
  }

  /// The block between the two paths.
  public enum MidBlockType: String, Codable, Sendable, CaseIterable {
    case crossAttention = "UNetMidBlock2DCrossAttn"
    /// One residual block.
    case plain = "UNetMidBlock2D"
  }

  /// What a class label is, where it is not an index into a table.
  public enum ClassEmbedType: String, Codable, Sendable, CaseIterable {
    /// A number that is embedded as timesteps are.
    case timestep
    /// A vector that is added as it is.
    case identity
    /// A vector that goes through two linear maps.
    case projection
    /// A vector that goes through one linear map.
    case simpleProjection = "simple_projection"
  }

  /// What is added to the time embedding beside the class.
  public enum AdditionEmbedType: String, Codable, Sendable, CaseIterable {
    /// A pooled text and numbers that say sizes (SDXL: Podell et al. 2023).
    case textTime = "text_time"
  }

  /// What the text's states go through first.
  public enum EncoderHidDimType: String, Codable, Sendable, CaseIterable {
    /// One linear map.
    case textProjection = "text_proj"
  }

  /// Height and width of the maps, in pixels or latents: sampling's default, no limit.
  public var sampleSize: [Int]?
  /// Channels of the noisy input.
  public var inChannels = 4
  /// Channels of the prediction.
  public var outChannels = 4
  /// Whether inputs in [0, 1] are stretched to [-1, 1] first.
  public var centerInputSample = false
  /// Whether cosines come before sines.
  public var flipSinToCos = true
  /// How far the last sinusoid stays from the frequency 1/10000.
  public var freqShift: Float = 0
  /// Blocks of the contracting path, from the full resolution down.
  public var downBlockTypes: [DownBlockType] = [.crossAttention, .crossAttention, .crossAttention, .plain]
  /// The block at the lowest resolution; nil for none.
  public var midBlockType: MidBlockType? = .crossAttention
  /// Blocks of the expanding path, from the lowest resolution up.
  public var upBlockTypes: [UpBlockType] = [.plain, .crossAttention, .crossAttention, .crossAttention]
  /// Whether a transformer's first attention reads the text too, a down block each.
  public var onlyCrossAttention = PerBlock.same(false)
  /// Channels of each resolution, from the full one down.
  public var blockOutChannels = [320, 640, 1280, 1280]
  /// Residual blocks of a down block; an up block has one more.
  public var layersPerBlock = PerBlock.same(2)
  /// Padding of the down-sampling convolutions, in pixels: 1, or 0 for below and to the right alone.
  public var downsamplePadding = 1
  /// What the sums in the mid block are divided by; not 0.
  public var midBlockScaleFactor: Float = 1
  /// Drop-out inside residual blocks while training; in 0 ..< 1.
  public var dropout: Float = 0
  /// The activation inside residual blocks and around them.
  public var actFn = Activation.silu
  /// Groups of the normalisations.
  public var normNumGroups = 32
  /// ε of the normalisations of residual blocks.
  public var normEps: Float = 1e-5
  /// Channels of a text's token, a down block each.
  public var crossAttentionDim = PerBlock.same(1280)
  /// Transformer blocks of each attention: a down block each, or a layer of it each.
  public var transformerLayersPerBlock = PerBlock.same(PerBlock.same(1))
  /// The same of the up blocks, where they are not the down blocks' in reverse.
  public var reverseTransformerLayersPerBlock: [PerBlock<Int>]?
  /// Channels of a text's token before the map that `encoderHidDimType` asks for.
  public var encoderHidDim: Int?
  /// What the text's states go through first; `textProjection` where nil and `encoderHidDim` is given.
  public var encoderHidDimType: EncoderHidDimType?
  /// How many *heads* an attention has, a down block each: diffusers' name for it is an old mistake that files keep.
  public var attentionHeadDim = PerBlock.same(8)
  /// Whether the maps around transformer blocks are kept as matrices, and not as 1×1 convolutions.
  public var useLinearProjection = false
  /// What a class label is, where it is not an index into a table.
  public var classEmbedType: ClassEmbedType?
  /// What is added to the time embedding beside the class.
  public var additionEmbedType: AdditionEmbedType?
  /// What each size is embedded to.
  public var additionTimeEmbedDim: Int?
  /// How many classes the table of embeddings has; nil for no table.
  public var numClassEmbeds: Int?
  /// Whether half-precision attention computes in f32; written and read for diffusers, since all is f32 here.
  public var upcastAttention = false
  /// How the time embedding enters a residual block.
  public var resnetTimeScaleShift = UNet2DConfig.TimeScaleShift.default
  /// Size of the time embedding; four times the first block's channels where nil.
  public var timeEmbeddingDim: Int?
  /// Size of an embedding that is added before the time embedding's first map: a guidance scale's, in distilled models
  /// (Luo et al. 2023, "Latent consistency models").
  public var timeCondProjDim: Int?
  /// Width of the first convolution's window; odd.
  public var convInKernel = 3
  /// Width of the last convolution's window; odd.
  public var convOutKernel = 3
  /// Size of what is added beside the class, or of the vector that stands for the class.
  public var projectionClassEmbeddingsInputDim: Int?

  /// diffusers' defaults.
  public init() {}

  /// Whether it must be given class labels.
  public var isClassConditional: Bool { classEmbedType != nil || numClassEmbeds != nil }

  /// Height and width must be multiples of this.
  public var sizeMultiple: Int { 1 << (blockOutChannels.count - 1) }

  /// Channels of the states of the text that it is given.
  public var textChannels: Int { encoderHidDim ?? crossAttentionDim[0] }

  /// Channels of the time embedding.
  var timeChannels: Int { timeEmbeddingDim ?? blockOutChannels[0] * 4 }

  /// Transformer blocks of an up block's attentions, from the lowest resolution up.
  func transformerLayers(upBlock i: Int) -> PerBlock<Int> {
    reverseTransformerLayersPerBlock?[i] ?? transformerLayersPerBlock.reversed()[i]
  }
}
