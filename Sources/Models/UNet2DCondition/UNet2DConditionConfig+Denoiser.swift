import NN

extension UNet2DConditionConfig: DenoiserConfig {
  /// Its part of a pipeline.
  public static let component = "unet"
  /// Networks that have names.
  public static var presets: [(name: String, config: Self)] {
    UNet2DConditionPreset.allCases.map { ($0.rawValue, $0.config) }
  }

  /// Channels of the prediction.
  public var predictedChannels: Int { outChannels }
  /// Where it has a `time_cond_proj_dim`.
  public var followsGuidance: Bool { timeCondProjDim != nil }
  /// `sample_size`.
  public var nativeSize: (height: Int, width: Int)? { sampleSize.map { ($0[0], $0[1]) } }

  /// How it is told a class.
  public var classInput: ClassInput {
    switch classEmbedType {
    case .identity, .projection, .simpleProjection: .vector
    case .timestep: .number
    case nil: numClassEmbeds.map { .row(of: $0) } ?? .none
    }
  }

  /// Its blocks, in a line for people.
  public var structure: String {
    downBlockTypes.map(\.rawValue).joined(separator: ", ")
      + "; channels \(blockOutChannels.map(String.init).joined(separator: ", ")); texts of \(textChannels) a token"
  }

  /// The same network for maps of a size and so many classes, 0 for none.
  public func prepared(size: Int, classes: Int) -> Self {
    var copy = self
    copy.sampleSize = [size, size]
    copy.numClassEmbeds = classes == 0 ? nil : classes + 1
    return copy
  }

  /// The same network for inputs of so many channels.
  public func with(channels: Int) -> Self {
    var copy = self
    copy.outChannels = outChannels == 2 * inChannels ? 2 * channels : channels
    copy.inChannels = channels
    return copy
  }

  /// Makes the prediction twice as wide as the input.
  public mutating func learnVariance() { outChannels = 2 * inChannels }

  /// Builds the network.
  public func build(_ store: ParameterStore) throws -> any Denoiser { try UNet2DCondition(self, store) }
}
