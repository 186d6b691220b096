/// Text encoders that have names.
public enum CLIPTextPreset: String, Sendable, CaseIterable {
  /// 0.1 M parameters beside those of its vocabulary: learns captions of few words beside a small denoiser.
  case tiny = "clip-tiny"
  /// Stable Diffusion 1.x's, and SDXL's first.
  case large = "clip-l"
  /// Stable Diffusion 2.x's, of OpenCLIP's ViT-H without its last layer.
  case huge = "clip-h"
  /// SDXL's second, OpenCLIP's ViT-bigG.
  case bigG = "clip-bigg"

  /// Its configuration, for CLIP's vocabulary; a tiny one is to be given the vocabulary of its tokenizer.
  public var config: CLIPTextConfig {
    var config = CLIPTextConfig()
    (config.padTokenID, config.eosTokenID) = (49407, 49407)
    switch self {
    case .tiny:
      config.hiddenAct = .gelu
      (config.hiddenSize, config.intermediateSize, config.projectionDim) = (64, 256, 64)
      (config.numHiddenLayers, config.numAttentionHeads) = (2, 2)
    case .large:
      (config.hiddenSize, config.intermediateSize, config.projectionDim) = (768, 3072, 768)
      (config.numHiddenLayers, config.numAttentionHeads) = (12, 12)
    case .huge:
      config.hiddenAct = .gelu
      (config.hiddenSize, config.intermediateSize, config.projectionDim) = (1024, 4096, 512)
      (config.numHiddenLayers, config.numAttentionHeads) = (23, 16)
    case .bigG:
      config.hiddenAct = .gelu
      (config.hiddenSize, config.intermediateSize, config.projectionDim) = (1280, 5120, 1280)
      (config.numHiddenLayers, config.numAttentionHeads) = (32, 20)
      config.architecture = .projected
    }
    return config
  }
}

extension CLIPTextConfig {
  /// A small encoder that learns with the network that reads it: two layers, as wide as it reads them.
  ///
  /// - Parameters:
  ///   - width: channels of a token.
  ///   - length: the most tokens of a text, its marks included.
  ///   - vocabularySize: of its tokenizer, with the numbers of the marks of a text's beginning and end and of what fills it up.
  public static func small(
    width: Int, length: Int, vocabularySize: Int, beginning: Int, end: Int, padding: Int
  ) -> CLIPTextConfig {
    var config = CLIPTextPreset.tiny.config
    (config.hiddenSize, config.intermediateSize, config.projectionDim) = (width, 4 * width, width)
    config.numAttentionHeads = width % 32 == 0 ? width / 32 : 1
    (config.vocabSize, config.maxPositionEmbeddings) = (vocabularySize, length)
    (config.bosTokenID, config.eosTokenID, config.padTokenID) = (beginning, end, padding)
    return config
  }
}
