import NN
import TensorCore

/// What all residual blocks of a network have in common.
struct ResnetOptions {
  /// Of the time embedding; nil for blocks that know no time.
  var timeChannels: Int?
  var groups: Int
  /// Of the second normalisation.
  var groupsOut: Int
  var epsilon: Float
  var activation: Activation
  var scalesAndShifts: Bool
  /// What the sum of the two branches is divided by.
  var outputScale: Float = 1
  var dropout: Float = 0
}

/// What changes a feature map's size inside a residual block, or between blocks.
enum Resampling {
  case none
  case nearestUp, averageDown  // diffusers' Upsample2D and Downsample2D without a convolution
  case firUp, firDown  // StyleGAN2's, with the filter [1, 3, 3, 1]

  var isNone: Bool { if case .none = self { true } else { false } }

  private static let taps: [Float] = [1, 3, 3, 1]

  func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .none: x
    case .nearestUp: x.upsampledNearest()
    case .averageDown: x.averagePooled()
    case .firUp: x.firUpsampled(taps: Self.taps)
    case .firDown: x.firDownsampled(taps: Self.taps)
    }
  }
}

/// What a forward pass carries to every block.
struct BlockContext {
  /// activation(time embedding), [N, E]: each block's projection begins with the same activation.
  let activatedTime: Tensor?
  /// What cross-attention reads.
  var text: TextStates?
  /// The key of this step's drop-out, or nil outside training.
  let dropout: NoiseKey?

  /// Of blocks that know no time, outside training.
  static var none: BlockContext { BlockContext(activatedTime: nil, dropout: nil) }
}

/// A residual block, conditioned on time where there is any: diffusers' `ResnetBlock2D`.
///
///     x ─ norm·act ─ (resample) ─ conv ─ (+ time) norm·act ─ conv ─ + ─ /outputScale
///     └────────────── (resample) ─ (1×1 conv) ──────────────────────┘
struct ResnetBlock2D {
  let norm1: GroupNorm, norm2: GroupNorm
  let conv1: Conv2D, conv2: Conv2D
  let timeProjection: Linear?
  let shortcut: Conv2D?
  let resampling: Resampling
  let options: ResnetOptions
  let dropoutIndex: UInt32

  /// - Parameter forceShortcut: a 1×1 convolution around the block although the channels stay the same.
  init(
    _ p: ParameterScope, inputs: Int, outputs: Int, _ options: ResnetOptions, resampling: Resampling = .none,
    forceShortcut: Bool = false
  ) {
    norm1 = GroupNorm(p["norm1"], channels: inputs, groups: options.groups, epsilon: options.epsilon)
    conv1 = Conv2D(p["conv1"], inputs: inputs, outputs: outputs, kernel: 3)
    timeProjection = options.timeChannels.map {
      Linear(p["time_emb_proj"], inputs: $0, outputs: options.scalesAndShifts ? 2 * outputs : outputs)
    }
    norm2 = GroupNorm(p["norm2"], channels: outputs, groups: options.groupsOut, epsilon: options.epsilon)
    conv2 = Conv2D(p["conv2"], inputs: outputs, outputs: outputs, kernel: 3)
    shortcut =
      inputs != outputs || forceShortcut
      ? Conv2D(p["conv_shortcut"], inputs: inputs, outputs: outputs, kernel: 1) : nil
    self.resampling = resampling
    self.options = options
    dropoutIndex = UInt32(truncatingIfNeeded: KeyHash.fnv1a(p.path))
  }

  /// [N, In, H, W] → [N, Out, H', W']
  func callAsFunction(_ x: Tensor, _ context: BlockContext) -> Tensor {
    let act = options.activation
    let first = norm1.with(activation: act)
    var h = resampling.isNone ? conv1(x, after: first) : conv1(resampling(first(x)))
    let time = context.activatedTime.flatMap { timeProjection?($0) }
    var second: GroupNormalization? =
      if let time, options.scalesAndShifts { modulated(by: time) } else {
        norm2.with(shift: time, activation: act)
      }
    if var key = context.dropout, options.dropout > 0 {
      key.index = dropoutIndex
      h = dropout(second?(h) ?? h, probability: options.dropout, key: key)
      second = nil
    }
    let around = resampling(x)
    h = conv2(h, after: second, adding: shortcut?(around) ?? around)
    return options.outputScale == 1 ? h : (1 / options.outputScale) * h
  }

  /// The second normalisation with the time's scale and shift.
  private func modulated(by time: Tensor) -> GroupNormalization {
    let halves = time.splitChannels([time.shape[1] / 2, time.shape[1] / 2])
    return norm2.with(modulation: (scale: halves[0], shift: halves[1]), activation: options.activation)
  }
}
