/// How a network that is trained is told captions.
public struct CaptionOptions: Codable, Sendable, Equatable {
  /// Where captions come from.
  public var source = ImageFolder.CaptionSource.metadata
  /// Whether what stands between a caption's commas is put into another order at each visit.
  public var shufflesTags = false
  /// Whether the text encoder of the model that a run begins with stays as it is.
  public var freezesEncoder = false
  /// The most tokens of a tokenizer that is learned from the captions.
  public var vocabularySize = 4096

  /// The defaults of the command line.
  public init() {}

  /// Each value by the name of its option.
  var named: [(name: String, value: String)] {
    [
      ("--captions", source.rawValue), ("--shuffle-tags", "\(shufflesTags)"),
      ("--freeze-text-encoder", "\(freezesEncoder)"), ("--vocabulary", "\(vocabularySize)"),
    ]
  }
}
