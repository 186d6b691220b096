import NN

extension UNet2DConditionConfig: UNetConfig {
  /// Networks that have names.
  public static var presets: [(name: String, config: Self)] {
    UNet2DConditionPreset.allCases.map { ($0.rawValue, $0.config) }
  }

  /// Where it has a `time_cond_proj_dim`.
  public var followsGuidance: Bool { timeCondProjDim != nil }

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

  /// Builds the network.
  public func build(_ store: ParameterStore) throws -> any Denoiser { try UNet2DCondition(self, store) }
}
