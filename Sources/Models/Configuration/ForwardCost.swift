/// What one picture costs a network on its way through, roughly: enough to say beforehand whether it takes seconds or hours,
/// megabytes or more than a machine has.
public struct ForwardCost: Sendable, Equatable {
  /// Multiplications.
  public var products: Double
  /// Floats that are held at one time, weights not among them.
  public var values: Double

  /// A cost by its parts.
  public init(products: Double, values: Double) { (self.products, self.values) = (products, values) }

  /// Multiplications of the attention of `tokens` tokens of `width` channels to themselves: maps to queries, keys, values and
  /// back, then scores and sums.
  static func attention(tokens: Double, width: Double) -> Double {
    tokens * width * (4 * width + 2 * tokens)
  }

  /// Multiplications of a transformer block that also attends to a text and has a gated feed-forward of four times its width.
  static func textTransformer(tokens: Double, width: Double, text: Double = 77) -> Double {
    attention(tokens: tokens, width: width) + tokens * width * (2 * width + 2 * text) + 12 * tokens * width
      * width
  }

  /// Of a U-Net: residual blocks of two 3×3 convolutions down, in the middle and up, and what attends after them.
  ///
  /// - Parameters:
  ///   - channels: of each resolution, from the full one down.
  ///   - layers: residual blocks on the way down; on the way up there is one more.
  ///   - expands: whether there is a way up.
  ///   - attention: multiplications of all attention at a resolution, of so many tokens.
  static func uNet(
    height: Int, width: Int, channels: [Int], layers: (_ level: Int) -> Int, expands: Bool,
    attention: (_ level: Int, _ tokens: Double) -> Double
  ) -> ForwardCost {
    var cost = ForwardCost(products: 0, values: 0)
    var widest = 0.0
    for (level, count) in channels.enumerated() {
      let positions = Double(height) * Double(width) / Double(1 << (2 * level))
      let (c, n) = (Double(count), Double(layers(level)))
      // Those on the way up take what was kept on the way down as well.
      cost.products +=
        positions * 9 * c * c * (2 * n + (expands ? 3 * (n + 1) : 0)) + attention(level, positions)
      if level == channels.count - 1 {
        cost.products += positions * 9 * c * c * 4
      } else {
        // One convolution halves the size, and one doubles what comes from below.
        let below = Double(channels[level + 1])
        cost.products += positions * 9 * (c * c / 4 + (expands ? below * below : 0))
      }
      cost.values += (n + 1) * c * positions
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
    cost(height: height, width: width, expands: true)
  }

  /// What one input of this size costs on its way down and through the middle, roughly.
  public func contractingCost(height: Int, width: Int) -> ForwardCost {
    cost(height: height, width: width, expands: false)
  }

  private func cost(height: Int, width: Int, expands: Bool) -> ForwardCost {
    let lowest = blockOutChannels.count - 1
    return .uNet(
      height: height, width: width, channels: blockOutChannels, layers: { _ in layersPerBlock },
      expands: expands
    ) { level, tokens in
      let blocks =
        (downBlockTypes[level].attends ? layersPerBlock : 0)
        + (expands && upBlockTypes[lowest - level].attends ? layersPerBlock + 1 : 0)
        + (level == lowest && midBlockType != nil && addAttention ? 1 : 0)
      return Double(blocks) * ForwardCost.attention(tokens: tokens, width: Double(blockOutChannels[level]))
    }
  }
}

extension UNet2DConditionConfig {
  /// What one input of this size costs, roughly, with a text of 77 tokens.
  public func cost(height: Int, width: Int) -> ForwardCost? {
    cost(height: height, width: width, expands: true)
  }

  /// The same on its way down and through the middle.
  public func contractingCost(height: Int, width: Int) -> ForwardCost {
    cost(height: height, width: width, expands: false)
  }

  private func cost(height: Int, width: Int, expands: Bool) -> ForwardCost {
    let lowest = blockOutChannels.count - 1
    return .uNet(
      height: height, width: width, channels: blockOutChannels, layers: { layersPerBlock[$0] },
      expands: expands
    ) { level, tokens in
      let blocks =
        (downBlockTypes[level] == .crossAttention ? layersPerBlock[level] : 0)
        + (expands && upBlockTypes[lowest - level] == .crossAttention ? layersPerBlock[level] + 1 : 0)
        + (level == lowest && midBlockType == .crossAttention ? 1 : 0)
      let depth = transformerLayersPerBlock[level].values.max() ?? 1
      return Double(blocks * depth)
        * ForwardCost.textTransformer(tokens: tokens, width: Double(blockOutChannels[level]))
    }
  }
}

extension DiTConfig {
  /// What one input of this size costs, roughly: a block is an attention and two maps, to four times the width and back.
  public func cost(height: Int, width: Int) -> ForwardCost? {
    let tokens = Double(height / patchSize) * Double(width / patchSize)
    let d = Double(self.width)
    let block = ForwardCost.attention(tokens: tokens, width: d) + 8 * d * d * tokens
    return ForwardCost(products: Double(numLayers) * block, values: 10 * tokens * d)
  }
}
