/// How a network is told a text.
public struct TextInput: Sendable, Equatable {
  /// Channels of each token's state.
  public let channels: Int
  /// Channels of the pooled text that it is told too, with the sizes of the picture (SDXL: Podell et al. 2023); nil for
  /// neither.
  public let pooledChannels: Int?

  /// - Parameters:
  ///   - channels: of each token's state.
  ///   - pooledChannels: of the pooled text; nil for none.
  public init(channels: Int, pooledChannels: Int? = nil) {
    (self.channels, self.pooledChannels) = (channels, pooledChannels)
  }
}

extension UNet2DConditionConfig {
  /// How it is told a text; nil where no block attends to one.
  public var textInput: TextInput? {
    let attends =
      downBlockTypes.contains(.crossAttention) || midBlockType == .crossAttention
      || upBlockTypes.contains(.crossAttention)
    let pooled = additionEmbedType.map { _ in
      // Six sizes stand beside it: original height and width, top and left of the crop, target height and width.
      (projectionClassEmbeddingsInputDim ?? 0) - 6 * (additionTimeEmbedDim ?? 0)
    }
    return attends || pooled != nil ? TextInput(channels: textChannels, pooledChannels: pooled) : nil
  }
}
