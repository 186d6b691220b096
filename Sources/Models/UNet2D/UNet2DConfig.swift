import TensorCore

/// The configuration of a `UNet2D`: diffusers' `UNet2DModel` keys and defaults.
public struct UNet2DConfig: Sendable, Equatable {
  /// Blocks of the contracting path.
  public enum DownBlockType: String, Codable, Sendable, CaseIterable {
    case plain = "DownBlock2D"
    case attention = "AttnDownBlock2D"
    case resnetDownsample = "ResnetDownsampleBlock2D"
    case skip = "SkipDownBlock2D"
    case attentionSkip = "AttnSkipDownBlock2D"
  }

  /// Blocks of the expanding path.
  public enum UpBlockType: String, Codable, Sendable, CaseIterable {
    case plain = "UpBlock2D"
    case attention = "AttnUpBlock2D"
    case resnetUpsample = "ResnetUpsampleBlock2D"
    case skip = "SkipUpBlock2D"
    case attentionSkip = "AttnSkipUpBlock2D"
  }

  /// The block between the two paths.
  public enum MidBlockType: String, Codable, Sendable, CaseIterable { case plain = "UNetMidBlock2D" }

  /// How a timestep becomes a vector.
  public enum TimeEmbeddingType: String, Codable, Sendable, CaseIterable { case positional, fourier, learned }

  /// What changes the size in attention blocks.
  public enum ResampleType: String, Codable, Sendable, CaseIterable { case conv, resnet }

  /// How the time embedding enters a residual block.
  public enum TimeScaleShift: String, Codable, Sendable, CaseIterable {
    case `default`
    case scaleShift = "scale_shift"
  }

  /// What a class label is, where it is not an index into a table.
  public enum ClassEmbedType: String, Codable, Sendable, CaseIterable { case timestep, identity }

  /// Height and width of the pictures, in pixels: sampling's default, no limit.
  public var sampleSize: [Int]?
  /// Channels of the noisy input.
  public var inChannels = 3
  /// Channels of the prediction.
  public var outChannels = 3
  /// Whether inputs in [0, 1] are stretched to [-1, 1] first.
  public var centerInputSample = false
  /// How a timestep becomes a vector.
  public var timeEmbeddingType = TimeEmbeddingType.positional
  /// Size of the time embedding; four times the first block's channels where nil.
  public var timeEmbeddingDim: Int?
  /// How far the last sinusoid stays from the frequency 1/10000.
  public var freqShift: Float = 0
  /// Whether cosines come before sines.
  public var flipSinToCos = true
  /// Blocks of the contracting path, from the full resolution down.
  public var downBlockTypes: [DownBlockType] = [.plain, .attention, .attention, .attention]
  /// The block at the lowest resolution; nil for none.
  public var midBlockType: MidBlockType? = .plain
  /// Blocks of the expanding path, from the lowest resolution up.
  public var upBlockTypes: [UpBlockType] = [.attention, .attention, .attention, .plain]
  /// Channels of each resolution, from the full one down.
  public var blockOutChannels = [224, 448, 672, 896]
  /// Residual blocks of a down block; an up block has one more.
  public var layersPerBlock = 2
  /// What the sums in the mid block are divided by; not 0.
  public var midBlockScaleFactor: Float = 1
  /// Padding of the down-sampling convolutions, in pixels: 1, or 0 for below and to the right alone.
  public var downsamplePadding = 1
  /// What halves the size in `AttnDownBlock2D`.
  public var downsampleType = ResampleType.conv
  /// What doubles the size in `AttnUpBlock2D`.
  public var upsampleType = ResampleType.conv
  /// Drop-out inside residual blocks while training; in 0 ..< 1.
  public var dropout: Float = 0
  /// The activation inside residual blocks.
  public var actFn = Activation.silu
  /// Channels of an attention head; all of a block's, that is one head, where nil.
  public var attentionHeadDim: Int? = 8
  /// Groups of the normalisations, outside Skip blocks.
  public var normNumGroups = 32
  /// Groups of the mid block's attention; `normNumGroups` where nil, or no normalisation with scale-shift.
  public var attnNormNumGroups: Int?
  /// ε of the normalisations.
  public var normEps: Float = 1e-5
  /// How the time embedding enters a residual block.
  public var resnetTimeScaleShift = TimeScaleShift.default
  /// Whether the mid block has attention.
  public var addAttention = true
  /// What a class label is, where it is not an index into a table.
  public var classEmbedType: ClassEmbedType?
  /// How many classes the table of embeddings has, the one for no class among them; nil for no classes.
  public var numClassEmbeds: Int?
  /// Rows of the table of a learned time embedding.
  public var numTrainTimesteps: Int?

  /// diffusers' defaults.
  public init() {}

  /// Whether it must be given class labels.
  public var isClassConditional: Bool { classEmbedType != nil || numClassEmbeds != nil }

  /// Channels of the time embedding.
  var timeChannels: Int { timeEmbeddingDim ?? blockOutChannels[0] * 4 }

  /// Height and width must be multiples of this.
  public var sizeMultiple: Int { 1 << (blockOutChannels.count - 1) }
}

extension UNet2DConfig.DownBlockType {
  var attends: Bool { self == .attention || self == .attentionSkip }
  var isSkip: Bool { self == .skip || self == .attentionSkip }
}

extension UNet2DConfig.UpBlockType {
  var attends: Bool { self == .attention || self == .attentionSkip }
  var isSkip: Bool { self == .skip || self == .attentionSkip }
}
