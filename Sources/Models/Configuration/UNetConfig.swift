/// What the configurations of U-Nets have in common, whatever their blocks read.
public protocol UNetConfig: DenoiserConfig {
  /// Height and width of the maps that it was made for.
  var sampleSize: [Int]? { get set }
  /// Channels of the maps that it reads.
  var inChannels: Int { get set }
  /// Channels of what it predicts.
  var outChannels: Int { get set }
  /// Rows of its embedding of classes; nil where it knows none.
  var numClassEmbeds: Int? { get set }
}

extension UNetConfig {
  /// Its part of a pipeline.
  public static var component: String { "unet" }
  /// Channels of the prediction.
  public var predictedChannels: Int { outChannels }
  /// `sample_size`.
  public var nativeSize: (height: Int, width: Int)? { sampleSize.map { ($0[0], $0[1]) } }

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
}
