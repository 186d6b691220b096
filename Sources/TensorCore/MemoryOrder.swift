/// How a feature map [N, C, H, W] lies in memory: as [N, C/B, H, W, B] for the channel block B.
///
/// B = 1 is plain NCHW, B = C is NHWC, Tensors of other ranks are row-major, B = 1.
package struct MemoryOrder: Hashable, Sendable {
  package let channelBlock: Int

  package static let plain = MemoryOrder(channelBlock: 1)
  package static func channelsLast(_ channels: Int) -> MemoryOrder { MemoryOrder(channelBlock: channels) }

  /// The channels that convolutions take together.
  static let vectorBlock = 16

  /// What convolutions over `channels` channels like best.
  package static func preferred(channels: Int) -> MemoryOrder {
    MemoryOrder(channelBlock: channels % vectorBlock == 0 ? vectorBlock : channels)
  }
}
