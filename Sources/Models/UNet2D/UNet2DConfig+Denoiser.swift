import NN

extension UNet2DConfig: UNetConfig {
  /// Networks that have names.
  public static var presets: [(name: String, config: Self)] {
    UNet2DPreset.allCases.map { ($0.rawValue, $0.config) }
  }

  /// The rows of a learned embedding of timesteps.
  public var knownTimesteps: Int? { timeEmbeddingType == .learned ? numTrainTimesteps : nil }

  /// How it is told a class.
  public var classInput: ClassInput {
    switch classEmbedType {
    case .identity: .vector
    case .timestep: .number
    case nil: numClassEmbeds.map { .row(of: $0) } ?? .none
    }
  }

  /// Its blocks, in a line for people.
  public var structure: String {
    downBlockTypes.map(\.rawValue).joined(separator: ", ")
      + "; channels \(blockOutChannels.map(String.init).joined(separator: ", "))"
  }

  /// Builds the network.
  public func build(_ store: ParameterStore) throws -> any Denoiser { try UNet2D(self, store) }
}
