/// Diffusion transformers that have names: a size and a patch (Peebles & Xie 2023, table 1).
public struct DiTPreset: Sendable, Hashable, CaseIterable, RawRepresentable {
  /// Depth and width.
  public enum Size: String, Sendable, CaseIterable {
    /// Learns simple pictures in minutes on two cores; not the paper's.
    case tiny
    case s, b, l, xl
  }

  /// Depth and width.
  public let size: Size
  /// Height and width of a patch.
  public let patch: Int

  /// All sizes at patch 2, 4 and 8, and the tiny one at 1 too, for latents of a few pixels.
  public static let allCases =
    [DiTPreset(.tiny, patch: 1)]
    + Size.allCases.flatMap { size in [2, 4, 8].map { DiTPreset(size, patch: $0) } }

  private init(_ size: Size, patch: Int) { (self.size, self.patch) = (size, patch) }

  /// Such as `dit-s-2`.
  public var rawValue: String { "dit-\(size.rawValue)-\(patch)" }

  /// nil for a name that is none of `allCases`.
  public init?(rawValue: String) {
    guard let preset = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
    self = preset
  }

  /// Its configuration: for 32×32 latents of four channels with a learned variance and ImageNet's classes, as in the
  /// paper; the tiny ones for 32×32 pixels of three channels.
  public var config: DiTConfig {
    var config = DiTConfig()
    config.patchSize = patch
    config.normEps = 1e-6
    config.outChannels = 8
    switch size {
    case .tiny:
      (config.numLayers, config.numAttentionHeads, config.attentionHeadDim) = (6, 6, 32)
      (config.inChannels, config.outChannels) = (3, 3)
    case .s: (config.numLayers, config.numAttentionHeads, config.attentionHeadDim) = (12, 6, 64)
    case .b: (config.numLayers, config.numAttentionHeads, config.attentionHeadDim) = (12, 12, 64)
    case .l: (config.numLayers, config.numAttentionHeads, config.attentionHeadDim) = (24, 16, 64)
    case .xl: (config.numLayers, config.numAttentionHeads, config.attentionHeadDim) = (28, 16, 72)
    }
    return config
  }
}
