import TensorCore

/// The configuration of a `DiT`: diffusers' `DiTTransformer2DModel` keys and defaults.
public struct DiTConfig: Sendable, Equatable {
  /// What stands between the two maps of a feed-forward layer.
  public enum FeedForwardActivation: String, Codable, Sendable, CaseIterable {
    case gelu
    case geluApproximate = "gelu-approximate"
    case linearSiLU = "linear-silu"

    var activation: Activation {
      switch self {
      case .gelu: .gelu
      case .geluApproximate: .geluTanh
      case .linearSiLU: .silu
      }
    }
  }

  /// How the condition enters a block.
  public enum NormType: String, Codable, Sendable, CaseIterable { case adaNormZero = "ada_norm_zero" }

  /// Heads of each attention.
  public var numAttentionHeads = 16
  /// Channels of a head; a token has `numAttentionHeads` times as many.
  public var attentionHeadDim = 72
  /// Channels of the noisy input.
  public var inChannels = 4
  /// Channels of the prediction; as many as of the input where nil, or twice as many with a learned variance.
  public var outChannels: Int?
  /// Transformer blocks.
  public var numLayers = 28
  /// Drop-out after attention and inside feed-forward layers while training; in 0 ..< 1.
  public var dropout: Float = 0
  /// Written and read for diffusers; no layer here has groups.
  public var normNumGroups = 32
  /// Whether queries, keys and values have a bias.
  public var attentionBias = true
  /// Height and width that positions are counted for: sampling's default, no limit.
  public var sampleSize = 32
  /// Height and width of a patch, which is one token.
  public var patchSize = 2
  /// What stands between the two maps of a feed-forward layer.
  public var activationFn = FeedForwardActivation.geluApproximate
  /// How many classes there are; the table of embeddings has one row more, for none.
  public var numEmbedsAdaNorm = 1000
  /// Whether half-precision attention computes in f32; written and read for diffusers, since all is f32 here.
  public var upcastAttention = false
  /// How the condition enters a block.
  public var normType = NormType.adaNormZero
  /// Whether the norms before feed-forward layers have a learned scale and offset of their own.
  public var normElementwiseAffine = false
  /// ε of those norms; the others have 1e-6.
  public var normEps: Float = 1e-5

  /// diffusers' defaults.
  public init() {}

  /// Channels of a token, D.
  public var width: Int { numAttentionHeads * attentionHeadDim }
  /// Channels of the prediction.
  public var predictedChannels: Int { outChannels ?? inChannels }
}
