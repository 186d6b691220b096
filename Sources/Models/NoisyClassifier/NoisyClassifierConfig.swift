import NN

/// The configuration of a `NoisyClassifier`.
public struct NoisyClassifierConfig: Sendable, Equatable {
  /// The U-Net whose contracting half it is; what is said of the other half is not looked at.
  public var unet: UNet2DConfig
  /// How many classes it tells apart.
  public var classes: Int
  /// Channels of a head of the pooling; must divide the last block's.
  public var poolHeadDim: Int

  /// - Parameters:
  ///   - unet: the U-Net whose contracting half it is. It is told no class.
  ///   - classes: how many it tells apart.
  public init(unet: UNet2DConfig, classes: Int, poolHeadDim: Int = 32) {
    (self.unet, self.classes, self.poolHeadDim) = (unet, classes, poolHeadDim)
    (self.unet.classEmbedType, self.unet.numClassEmbeds) = (nil, nil)
  }
}

extension NoisyClassifierConfig: ModelConfig {
  /// This program's own, since diffusers has none.
  public static let className = "NoisyClassifier"

  enum CodingKeys: String, CodingKey {
    case unet
    case classes = "num_classes"
    case poolHeadDim = "pool_head_dim"
  }

  /// Writes every key.
  public func encode(to encoder: any Encoder) throws {
    try encodeOrigin(to: encoder)
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(unet, forKey: .unet)
    try values.encode(classes, forKey: .classes)
    try values.encode(poolHeadDim, forKey: .poolHeadDim)
  }

  /// - Throws: `ConfigError`, which names the key or the layer.
  public func validate() throws(ConfigError) {
    try unet.validate()
    try require((2...1_000_000).contains(classes), "has num_classes \(classes); 2 to 1000000 are possible")
    try require(
      (1...16_384).contains(poolHeadDim), "has pool_head_dim \(poolHeadDim); 1 to 16384 are possible")
    try require(!unet.isClassConditional, "has a U-Net that is told the class that it should find")
    try validateLayers { _ = NoisyClassifier(valid: self, $0) }
  }
}
