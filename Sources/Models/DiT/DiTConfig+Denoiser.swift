import NN

extension DiTConfig: DenoiserConfig {
  /// Its part of a pipeline.
  public static let component = "transformer"
  /// Of files from before diffusers 0.29.
  public static let formerClassNames = ["Transformer2DModel"]
  /// Networks that have names.
  public static var presets: [(name: String, config: Self)] {
    DiTPreset.allCases.map { ($0.rawValue, $0.config) }
  }

  /// `sample_size`.
  public var nativeSize: (height: Int, width: Int)? { (sampleSize, sampleSize) }
  /// Both sides are cut into patches.
  public var sizeMultiple: Int { patchSize }
  /// A transformer is always told a class, if only the one for none.
  public var classInput: ClassInput { .row(of: numEmbedsAdaNorm + 1) }
  /// The last row of its table.
  public var nullClass: Int? { numEmbedsAdaNorm }

  /// Its blocks, in a line for people.
  public var structure: String {
    "\(numLayers) of \(numAttentionHeads) heads by \(attentionHeadDim); patches of \(patchSize)x\(patchSize)"
  }

  /// The same network for maps of a size and so many classes, 0 for none.
  public func prepared(size: Int, classes: Int) -> Self {
    var copy = self
    copy.sampleSize = size
    copy.numEmbedsAdaNorm = max(1, classes)
    return copy
  }

  /// The same network for inputs of so many channels.
  public func with(channels: Int) -> Self {
    var copy = self
    copy.outChannels = predictedChannels == 2 * inChannels ? 2 * channels : channels
    copy.inChannels = channels
    return copy
  }

  /// Makes the prediction twice as wide as the input.
  public mutating func learnVariance() { outChannels = 2 * inChannels }

  /// Builds the network.
  public func build(_ store: ParameterStore) throws -> any Denoiser { try DiT(self, store) }
}
