/// What one picture costs a network, roughly: enough to say beforehand whether it takes seconds or hours, megabytes or more
/// than a machine has.
public struct ForwardCost: Sendable, Equatable {
  /// Multiplications on the way through.
  public var products: Double
  /// Floats that are held at one time on the way through, weights not among them.
  public var values: Double
  /// Floats that are saved on the way for gradients, where something learns.
  public var saved: Double

  /// A cost by its parts.
  public init(products: Double, values: Double, saved: Double = 0) {
    (self.products, self.values, self.saved) = (products, values, saved)
  }

  /// Of the attention of `tokens` tokens of `width` channels to themselves: maps to queries, keys, values and back, then
  /// scores and sums. Saved are what goes in, queries, keys, values and what comes of them.
  static func attention(tokens: Double, width: Double) -> ForwardCost {
    ForwardCost(
      products: tokens * width * (4 * width + 2 * tokens), values: 0, saved: 5 * tokens * width)
  }

  /// Of a transformer block that also attends to a text and has a gated feed-forward of four times its width.
  static func textTransformer(tokens: Double, width: Double, text: Double = 77) -> ForwardCost {
    var cost = attention(tokens: tokens, width: width)
    cost.products += tokens * width * (2 * width + 2 * text) + 12 * tokens * width * width
    // Of the second attention its input, queries and result; of the feed-forward its input, both halves and their product.
    cost.saved += (3 + 1 + 8 + 4) * tokens * width
    return cost
  }

  /// The same so many times.
  static func * (count: Int, cost: ForwardCost) -> ForwardCost {
    let n = Double(count)
    return ForwardCost(products: n * cost.products, values: n * cost.values, saved: n * cost.saved)
  }

  /// How a network that contracts expands again.
  enum Expansion {
    /// Not at all, as a classifier or a ControlNet.
    case none
    /// By itself, as an autoencoder.
    case plain
    /// Joined at each block to what was on the way down, as a U-Net.
    case joined

    /// Widths of a resolution's maps that enter its blocks.
    fileprivate var inputs: Double { self == .joined ? 2 : 1 }
  }

  /// Of a U-Net or a part of one: residual blocks of two 3×3 convolutions down, in the middle and up, and what attends after
  /// them.
  ///
  /// - Parameters:
  ///   - channels: of each resolution, from the full one down.
  ///   - layers: residual blocks on the way down; on the way up there is one more.
  ///   - attention: all attention at a resolution, of so many tokens.
  static func uNet(
    height: Int, width: Int, channels: [Int], expanding expansion: Expansion = .joined,
    layers: (_ level: Int) -> Int, attention: (_ level: Int, _ tokens: Double) -> ForwardCost
  ) -> ForwardCost {
    var cost = ForwardCost(products: 0, values: 0, saved: 0)
    var widest = 0.0
    for (level, count) in channels.enumerated() {
      let positions = Double(height) * Double(width) / Double(1 << (2 * level))
      let (c, down) = (Double(count), Double(layers(level)))
      let up = expansion == .none ? 0 : down + 1
      let middle = level == channels.count - 1 ? 2.0 : 0
      let attending = attention(level, positions)
      let (inputs, plain) = (expansion.inputs, 2 * (down + middle))
      cost.products += positions * 9 * c * c * (plain + (inputs + 1) * up) + attending.products
      // What enters a block, and what lies between its convolutions.
      cost.saved += positions * c * (plain + (inputs + 1) * up) + attending.saved
      if level < channels.count - 1 {
        // One convolution halves the size, and one doubles what comes from below.
        let below = Double(channels[level + 1])
        cost.products += positions * 9 * (c * c / 4 + (up > 0 ? below * below : 0))
      }
      cost.values += (expansion == .plain ? 0 : down + 1) * c * positions
      widest = max(widest, c * positions)
    }
    // The largest map, joined to one that was kept, its result, and what convolutions need meanwhile.
    cost.values += 5 * widest
    return cost
  }
}

extension UNet2DConfig {
  /// What one input of this size costs, roughly.
  public func cost(height: Int, width: Int) -> ForwardCost? {
    cost(height: height, width: width, expanding: .joined)
  }

  /// What one input of this size costs on its way down and through the middle, roughly.
  public func contractingCost(height: Int, width: Int) -> ForwardCost {
    cost(height: height, width: width, expanding: .none)
  }

  private func cost(height: Int, width: Int, expanding expansion: ForwardCost.Expansion) -> ForwardCost {
    let lowest = blockOutChannels.count - 1
    return .uNet(
      height: height, width: width, channels: blockOutChannels, expanding: expansion,
      layers: { _ in layersPerBlock }
    ) { level, tokens in
      let blocks =
        (downBlockTypes[level].attends ? layersPerBlock : 0)
        + (expansion == .joined && upBlockTypes[lowest - level].attends ? layersPerBlock + 1 : 0)
        + (level == lowest && midBlockType != nil && addAttention ? 1 : 0)
      return blocks * .attention(tokens: tokens, width: Double(blockOutChannels[level]))
    }
  }
}

extension NoisyClassifierConfig {
  /// What one picture of this size costs, roughly.
  public func cost(height: Int, width: Int) -> ForwardCost {
    unet.contractingCost(height: height, width: width)
  }
}

extension AutoencoderKLConfig {
  /// What one picture of this size costs on its way there and back, roughly.
  public func cost(height: Int, width: Int) -> ForwardCost {
    let lowest = blockOutChannels.count - 1
    return .uNet(
      height: height, width: width, channels: blockOutChannels, expanding: .plain,
      layers: { _ in layersPerBlock }
    ) { level, tokens in
      let blocks =
        (downBlockTypes[level] == .attention ? layersPerBlock : 0)
        + (upBlockTypes[lowest - level] == .attention ? layersPerBlock + 1 : 0)
        + (level == lowest && midBlockAddAttention ? 2 : 0)
      return blocks * .attention(tokens: tokens, width: Double(blockOutChannels[level]))
    }
  }
}

extension UNet2DConditionConfig {
  /// What one input of this size costs, roughly, with a text of 77 tokens.
  public func cost(height: Int, width: Int) -> ForwardCost? {
    cost(height: height, width: width, expanding: .joined)
  }

  /// The same on its way down and through the middle.
  public func contractingCost(height: Int, width: Int) -> ForwardCost {
    cost(height: height, width: width, expanding: .none)
  }

  private func cost(height: Int, width: Int, expanding expansion: ForwardCost.Expansion) -> ForwardCost {
    let lowest = blockOutChannels.count - 1
    return .uNet(
      height: height, width: width, channels: blockOutChannels, expanding: expansion,
      layers: { layersPerBlock[$0] }
    ) { level, tokens in
      let blocks =
        (downBlockTypes[level] == .crossAttention ? layersPerBlock[level] : 0)
        + (expansion == .joined && upBlockTypes[lowest - level] == .crossAttention
          ? layersPerBlock[level] + 1 : 0)
        + (level == lowest && midBlockType == .crossAttention ? 1 : 0)
      let depth = transformerLayersPerBlock[level].values.max() ?? 1
      let width = Double(blockOutChannels[level])
      var transformer = depth * .textTransformer(tokens: tokens, width: width)
      // Maps in and out.
      transformer.products += 2 * tokens * width * width
      return blocks * transformer
    }
  }
}

extension DiTConfig {
  /// What one input of this size costs, roughly: a block is an attention and two maps, to four times the width and back.
  public func cost(height: Int, width: Int) -> ForwardCost? {
    let tokens = Double(height / patchSize) * Double(width / patchSize)
    let d = Double(self.width)
    var block = ForwardCost.attention(tokens: tokens, width: d)
    block.products += 8 * d * d * tokens
    // Both branches before their gates, what enters the second, and what lies between its maps.
    block.saved += (2 + 1 + 4) * tokens * d
    var cost = numLayers * block
    cost.values = 10 * tokens * d
    return cost
  }
}
