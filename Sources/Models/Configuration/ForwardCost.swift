/// What one picture costs a network on its way through, roughly: enough to say beforehand whether it takes seconds or hours,
/// megabytes or more than a machine has.
public struct ForwardCost: Sendable, Equatable {
  /// Multiplications.
  public var products: Double
  /// Floats that are held at one time, weights not among them.
  public var values: Double

  /// A cost by its parts.
  public init(products: Double, values: Double) { (self.products, self.values) = (products, values) }

  /// Of the attention of `tokens` tokens of `width` channels to themselves: maps to queries, keys, values and back, then
  /// scores and sums.
  static func attention(tokens: Double, width: Double) -> Double {
    tokens * width * (4 * width + 2 * tokens)
  }
}

extension UNet2DConfig {
  /// Residual blocks are two 3×3 convolutions; those on the way up take what was kept on the way down as well.
  public func cost(height: Int, width: Int) -> ForwardCost? {
    var cost = ForwardCost(products: 0, values: 0)
    var widest = 0.0
    for (level, channels) in blockOutChannels.enumerated() {
      let positions = Double(height) * Double(width) / Double(1 << (2 * level))
      let (c, layers) = (Double(channels), Double(layersPerBlock))
      cost.products += positions * 9 * c * c * (2 * layers + 3 * (layers + 1))
      let attends =
        (downBlockTypes[level].attends ? layers : 0)
        + (upBlockTypes[upBlockTypes.count - 1 - level].attends ? layers + 1 : 0)
      cost.products += attends * ForwardCost.attention(tokens: positions, width: c)
      cost.values += (layers + 1) * c * positions
      widest = max(widest, c * positions)
    }
    // The largest map, joined to one that was kept, its result, and what convolutions need meanwhile.
    cost.values += 5 * widest
    return cost
  }
}

extension DiTConfig {
  /// A block is an attention and two maps to four times the width and back.
  public func cost(height: Int, width: Int) -> ForwardCost? {
    let tokens = Double(height / patchSize) * Double(width / patchSize)
    let d = Double(self.width)
    let block = ForwardCost.attention(tokens: tokens, width: d) + 8 * d * d * tokens
    return ForwardCost(products: Double(numLayers) * block, values: 10 * tokens * d)
  }
}
