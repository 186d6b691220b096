import Foundation
import TensorCore

// By hand, and not synthesised, for three reasons: absent keys take diffusers' defaults, an unknown key is
// refused by name, and `sample_size` may be a number or a pair.
extension UNet2DConfig: Codable {
  enum Key: String, CodingKey, CaseIterable {
    case sampleSize = "sample_size"
    case inChannels = "in_channels"
    case outChannels = "out_channels"
    case centerInputSample = "center_input_sample"
    case timeEmbeddingType = "time_embedding_type"
    case timeEmbeddingDim = "time_embedding_dim"
    case freqShift = "freq_shift"
    case flipSinToCos = "flip_sin_to_cos"
    case downBlockTypes = "down_block_types"
    case midBlockType = "mid_block_type"
    case upBlockTypes = "up_block_types"
    case blockOutChannels = "block_out_channels"
    case layersPerBlock = "layers_per_block"
    case midBlockScaleFactor = "mid_block_scale_factor"
    case downsamplePadding = "downsample_padding"
    case downsampleType = "downsample_type"
    case upsampleType = "upsample_type"
    case dropout
    case actFn = "act_fn"
    case attentionHeadDim = "attention_head_dim"
    case normNumGroups = "norm_num_groups"
    case attnNormNumGroups = "attn_norm_num_groups"
    case normEps = "norm_eps"
    case resnetTimeScaleShift = "resnet_time_scale_shift"
    case addAttention = "add_attention"
    case classEmbedType = "class_embed_type"
    case numClassEmbeds = "num_class_embeds"
    case numTrainTimesteps = "num_train_timesteps"
  }

  private struct AnyKey: CodingKey {
    let stringValue: String
    let intValue: Int? = nil
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// - Throws: `ConfigError`, which names the key.
  public init(from decoder: any Decoder) throws {
    let known = Set(Key.allCases.map(\.rawValue))
    for key in try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue).sorted()
    where !known.contains(key) && !key.hasPrefix("_") {
      throw ConfigError("has the unknown key '\(key)'; the known ones are those of diffusers' UNet2DModel")
    }
    let values = try decoder.container(keyedBy: Key.self)
    func read<T: Decodable>(_ key: Key, _ target: inout T, _ form: String) throws {
      guard values.contains(key) else { return }
      do { target = try values.decode(T.self, forKey: key) } catch {
        throw ConfigError("has a value of '\(key.rawValue)' that is not \(form)")
      }
    }
    func readOptional<T: Decodable>(_ key: Key, _ target: inout T?, _ form: String) throws {
      guard values.contains(key) else { return }
      do { target = try values.decodeIfPresent(T.self, forKey: key) } catch {
        throw ConfigError("has a value of '\(key.rawValue)' that is not \(form)")
      }
    }
    func list<T: CaseIterable & RawRepresentable>(_: T.Type) -> String where T.RawValue == String {
      "one of " + T.allCases.map(\.rawValue).joined(separator: ", ")
    }
    self.init()
    if let side = try? values.decodeIfPresent(Int.self, forKey: .sampleSize) {
      sampleSize = [side, side]
    } else {
      try readOptional(.sampleSize, &sampleSize, "a whole number or a pair [height, width]")
    }
    if let sampleSize {
      guard sampleSize.count == 2, sampleSize.allSatisfy({ (1...65_536).contains($0) }) else {
        throw ConfigError("has a value of 'sample_size' that is not a whole number or a pair [height, width]")
      }
    }
    try read(.inChannels, &inChannels, "a whole number")
    try read(.outChannels, &outChannels, "a whole number")
    try read(.centerInputSample, &centerInputSample, "true or false")
    try read(.timeEmbeddingType, &timeEmbeddingType, list(TimeEmbeddingType.self))
    try readOptional(.timeEmbeddingDim, &timeEmbeddingDim, "a whole number")
    try read(.freqShift, &freqShift, "a number")
    try read(.flipSinToCos, &flipSinToCos, "true or false")
    try read(.downBlockTypes, &downBlockTypes, "a list of block types (\(list(DownBlockType.self)))")
    try readOptional(.midBlockType, &midBlockType, list(MidBlockType.self))
    try read(.upBlockTypes, &upBlockTypes, "a list of block types (\(list(UpBlockType.self)))")
    try read(.blockOutChannels, &blockOutChannels, "a list of whole numbers")
    try read(.layersPerBlock, &layersPerBlock, "a whole number")
    try read(.midBlockScaleFactor, &midBlockScaleFactor, "a number")
    try read(.downsamplePadding, &downsamplePadding, "a whole number")
    try read(.downsampleType, &downsampleType, list(ResampleType.self))
    try read(.upsampleType, &upsampleType, list(ResampleType.self))
    try read(.dropout, &dropout, "a number")
    var act = "silu"
    try read(.actFn, &act, "a name")
    // The names that diffusers' `get_activation` knows.
    let activations: [String: Activation] = [
      "silu": .silu, "swish": .silu, "mish": .mish, "gelu": .gelu, "relu": .relu,
    ]
    guard let activation = activations[act] else {
      throw ConfigError("has the unknown act_fn '\(act)'; silu, swish, mish, gelu and relu are known")
    }
    actFn = activation
    try readOptional(.attentionHeadDim, &attentionHeadDim, "a whole number or null")
    try read(.normNumGroups, &normNumGroups, "a whole number")
    try readOptional(.attnNormNumGroups, &attnNormNumGroups, "a whole number or null")
    try read(.normEps, &normEps, "a number")
    try read(.resnetTimeScaleShift, &resnetTimeScaleShift, list(TimeScaleShift.self))
    try read(.addAttention, &addAttention, "true or false")
    try readOptional(.classEmbedType, &classEmbedType, "null or " + list(ClassEmbedType.self))
    try readOptional(.numClassEmbeds, &numClassEmbeds, "a whole number or null")
    try readOptional(.numTrainTimesteps, &numTrainTimesteps, "a whole number or null")
  }

  private enum OriginKey: String, CodingKey {
    case className = "_class_name"
    case diffusersVersion = "_diffusers_version"
  }

  /// The release of diffusers whose form of files this program writes.
  public static let diffusersVersion = "0.42.1"

  /// Writes every key, as diffusers does.
  public func encode(to encoder: any Encoder) throws {
    var origin = encoder.container(keyedBy: OriginKey.self)
    try origin.encode("UNet2DModel", forKey: .className)
    try origin.encode(Self.diffusersVersion, forKey: .diffusersVersion)
    var values = encoder.container(keyedBy: Key.self)
    if let sampleSize, sampleSize[0] == sampleSize[1] {
      try values.encode(sampleSize[0], forKey: .sampleSize)
    } else {
      try values.encode(sampleSize, forKey: .sampleSize)
    }
    try values.encode(inChannels, forKey: .inChannels)
    try values.encode(outChannels, forKey: .outChannels)
    try values.encode(centerInputSample, forKey: .centerInputSample)
    try values.encode(timeEmbeddingType, forKey: .timeEmbeddingType)
    try values.encode(timeEmbeddingDim, forKey: .timeEmbeddingDim)
    try values.encode(freqShift, forKey: .freqShift)
    try values.encode(flipSinToCos, forKey: .flipSinToCos)
    try values.encode(downBlockTypes, forKey: .downBlockTypes)
    try values.encode(midBlockType, forKey: .midBlockType)
    try values.encode(upBlockTypes, forKey: .upBlockTypes)
    try values.encode(blockOutChannels, forKey: .blockOutChannels)
    try values.encode(layersPerBlock, forKey: .layersPerBlock)
    try values.encode(midBlockScaleFactor, forKey: .midBlockScaleFactor)
    try values.encode(downsamplePadding, forKey: .downsamplePadding)
    try values.encode(downsampleType, forKey: .downsampleType)
    try values.encode(upsampleType, forKey: .upsampleType)
    try values.encode(dropout, forKey: .dropout)
    try values.encode(actFn, forKey: .actFn)
    try values.encode(attentionHeadDim, forKey: .attentionHeadDim)
    try values.encode(normNumGroups, forKey: .normNumGroups)
    try values.encode(attnNormNumGroups, forKey: .attnNormNumGroups)
    try values.encode(normEps, forKey: .normEps)
    try values.encode(resnetTimeScaleShift, forKey: .resnetTimeScaleShift)
    try values.encode(addAttention, forKey: .addAttention)
    try values.encode(classEmbedType, forKey: .classEmbedType)
    try values.encode(numClassEmbeds, forKey: .numClassEmbeds)
    try values.encode(numTrainTimesteps, forKey: .numTrainTimesteps)
  }
}
