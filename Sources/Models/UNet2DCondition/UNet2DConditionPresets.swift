/// Networks that read a text and have names.
public enum UNet2DConditionPreset: String, Sendable, CaseIterable {
  /// 1.7 M parameters, for 32×32 and texts of 64 channels: narrow where pixels are many, three times as fast as `tiny`.
  case mini = "text-mini"
  /// 2.7 M parameters, for 32×32 and texts of 64 channels: learns simple pictures in minutes on two cores.
  case tiny = "text-tiny"
  /// 860 M parameters: Stable Diffusion 1.5 (Rombach et al. 2022).
  case sd15 = "sd-1.5"
  /// 866 M parameters: Stable Diffusion 2.1.
  case sd21 = "sd-2.1"
  /// 2,567 M parameters: SDXL (Podell et al. 2023).
  case sdxl = "sdxl"

  /// Its configuration.
  public var config: UNet2DConditionConfig {
    var config = UNet2DConditionConfig()
    switch self {
    case .tiny:
      config.sampleSize = [32, 32]
      (config.inChannels, config.outChannels) = (3, 3)
      config.blockOutChannels = [32, 64, 96]
      config.layersPerBlock = .same(1)
      config.downBlockTypes = [.plain, .crossAttention, .crossAttention]
      config.upBlockTypes = [.crossAttention, .crossAttention, .plain]
      config.attentionHeadDim = .each([1, 2, 3])
      config.crossAttentionDim = .same(64)
      config.useLinearProjection = true
      config.normNumGroups = 8
    case .mini:
      config.sampleSize = [32, 32]
      (config.inChannels, config.outChannels) = (3, 3)
      config.blockOutChannels = [16, 32, 64, 64]
      config.layersPerBlock = .same(1)
      config.downBlockTypes = [.plain, .plain, .crossAttention, .crossAttention]
      config.upBlockTypes = [.crossAttention, .crossAttention, .plain, .plain]
      config.attentionHeadDim = .each([1, 1, 2, 2])
      config.crossAttentionDim = .same(64)
      config.useLinearProjection = true
      config.normNumGroups = 8
    case .sd15:
      config.sampleSize = [64, 64]
      config.crossAttentionDim = .same(768)
    case .sd21:
      config.sampleSize = [96, 96]
      config.crossAttentionDim = .same(1024)
      config.attentionHeadDim = .each([5, 10, 20, 20])
      config.useLinearProjection = true
    case .sdxl:
      config.sampleSize = [128, 128]
      config.blockOutChannels = [320, 640, 1280]
      config.downBlockTypes = [.plain, .crossAttention, .crossAttention]
      config.upBlockTypes = [.crossAttention, .crossAttention, .plain]
      config.transformerLayersPerBlock = .each([.same(1), .same(2), .same(10)])
      config.crossAttentionDim = .same(2048)
      config.attentionHeadDim = .each([5, 10, 20])
      config.useLinearProjection = true
      config.additionEmbedType = .textTime
      config.additionTimeEmbedDim = 256
      config.projectionClassEmbeddingsInputDim = 2816
    }
    return config
  }
}
