/// Networks that have names, from the smallest.
public enum UNet2DPreset: String, Sendable, CaseIterable {
  /// 1.8 M parameters: learns simple pictures in minutes on two cores.
  case tiny32 = "tiny-32"
  /// 10.7 M parameters: hours on two cores.
  case small32 = "small-32"
  /// 35.7 M parameters: `google/ddpm-cifar10-32` (Ho et al. 2020, appendix B).
  case cifar32 = "cifar-32"
  /// 22.1 M parameters, for 64×64.
  case small64 = "small-64"

  /// Its configuration, without classes.
  public var config: UNet2DConfig {
    var config = UNet2DConfig()
    switch self {
    case .tiny32:
      config.sampleSize = [32, 32]
      config.blockOutChannels = [32, 64, 96]
      config.layersPerBlock = 1
      config.downBlockTypes = [.plain, .plain, .attention]
      config.upBlockTypes = [.attention, .plain, .plain]
      config.attentionHeadDim = 32
      config.normNumGroups = 8
    case .small32:
      config.sampleSize = [32, 32]
      config.blockOutChannels = [64, 128, 192]
      config.layersPerBlock = 2
      config.downBlockTypes = [.plain, .attention, .attention]
      config.upBlockTypes = [.attention, .attention, .plain]
      config.attentionHeadDim = 64
    case .cifar32:
      config.sampleSize = [32, 32]
      config.blockOutChannels = [128, 256, 256, 256]
      config.layersPerBlock = 2
      config.downBlockTypes = [.plain, .attention, .plain, .plain]
      config.upBlockTypes = [.plain, .plain, .attention, .plain]
      config.attentionHeadDim = nil
      config.downsamplePadding = 0
      config.flipSinToCos = false
      config.freqShift = 1
      config.normEps = 1e-6
    case .small64:
      config.sampleSize = [64, 64]
      config.blockOutChannels = [64, 128, 192, 256]
      config.layersPerBlock = 2
      config.downBlockTypes = [.plain, .plain, .attention, .attention]
      config.upBlockTypes = [.attention, .attention, .plain, .plain]
      config.attentionHeadDim = 64
    }
    return config
  }
}
