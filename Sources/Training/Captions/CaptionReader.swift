import Models
import NN
import Pipelines
import TensorCore
import Text

/// How a network that is trained is told captions: by a text encoder that learns with it, or by those of a model, which stay
/// as they are.
public protocol CaptionReader {
  /// What the network is told of a text, in one row; the empty text stands for a caption that is hidden.
  ///
  /// - Throws: `PromptError`.
  func condition(of text: String) throws -> Condition

  /// The network that is trained, with what learns beside it.
  ///
  /// - Parameters:
  ///   - config: of what denoises.
  ///   - store: gives the tensors of a part, by its name.
  /// - Throws: `ConfigError`, `CheckpointError` or `SafetensorsError`.
  func network(
    _ config: any DenoiserConfig, _ store: (_ part: String) -> ParameterStore
  ) throws -> any Denoiser

  /// What a trained model is written with.
  ///
  /// - Parameter tensors: of the network that was trained.
  /// - Returns: the tensors of what denoises alone, and what tells it texts.
  func saved(
    _ tensors: [(key: String, tensor: Tensor)]
  ) -> (denoiser: [(key: String, tensor: Tensor)], text: SavedText)

  /// Of the text encoder that learns; nil where none does.
  var learned: CLIPTextConfig? { get }
}

/// A text encoder that learns with the network which reads it.
public struct LearningReader: CaptionReader {
  /// Of the encoder.
  public let config: CLIPTextConfig
  private let tokenizer: SavedTokenizer
  private let tokens: CLIPTokenizer

  /// An encoder that begins anew, of a tokenizer that is learned from the captions.
  ///
  /// - Parameters:
  ///   - captions: of all pictures.
  ///   - vocabularySize: the most tokens that there may be; at least 514.
  ///   - width: channels that the network reads of a token.
  public init(captions: some Sequence<String>, vocabularySize: Int, width: Int) {
    let trained = BytePairTrainer.train(captions, vocabularySize: vocabularySize)
    tokenizer = .trained(trained)
    tokens = trained.tokenizer
    let longest = captions.lazy.map { [tokens] in tokens($0).count }.max() ?? 0
    config = .small(
      width: width, length: Self.length(longest), vocabularySize: trained.vocabularySize,
      beginning: tokens.beginning, end: tokens.end, padding: tokens.padding)
  }

  /// The one encoder of a model, to learn on.
  public init(_ parts: TextParts) {
    precondition(parts.encoders.count == 1, "\(parts.encoders.count) encoders cannot learn")
    let (tokenizer, encoder) = parts.encoders[0]
    (config, self.tokenizer, tokens) = (encoder.config, .copied(tokenizer), tokenizer.tokenizer)
  }

  /// Positions for the longest caption and its two marks, and for prompts that are a little longer: attention to a text costs
  /// by its positions.
  private static func length(_ longest: Int) -> Int { min(77, max(16, (longest + 2 + 7) / 8 * 8)) }

  /// Its tokens, which the network encodes itself.
  public func condition(of text: String) -> Condition {
    Condition(tokens: [tokens.padded(text, length: config.maxPositionEmbeddings)])
  }

  /// Both joined.
  public func network(
    _ denoiser: any DenoiserConfig, _ store: (_ part: String) -> ParameterStore
  ) throws -> any Denoiser {
    TextDenoiser(
      try denoiser.build(store(TextDenoiser.denoiserPart)),
      try CLIPTextEncoder(config, store(TextDenoiser.encoderPart)))
  }

  /// Both apart.
  public func saved(
    _ tensors: [(key: String, tensor: Tensor)]
  ) -> (denoiser: [(key: String, tensor: Tensor)], text: SavedText) {
    (
      ParameterStore.part(TextDenoiser.denoiserPart, of: tensors),
      .learned(ParameterStore.part(TextDenoiser.encoderPart, of: tensors), config, tokenizer)
    )
  }

  /// Its own.
  public var learned: CLIPTextConfig? { config }
}

/// The text encoders of a model, which stay as they are: the states of each caption are computed once.
public final class FrozenReader: CaptionReader {
  private let model: ModelFolder
  private let encoder: PromptEncoder
  private var known: [String: Condition] = [:]
  /// How many floats of states may still be kept.
  private var room = 1 << 28

  /// Loads the encoders' weights.
  ///
  /// - Parameters:
  ///   - parts: of the model.
  ///   - resolution: of the pictures, for networks that are told it.
  /// - Throws: `CheckpointError` or `SafetensorsError`.
  public init(_ model: ModelFolder, _ parts: TextParts, resolution: Int) throws {
    self.model = model
    encoder = try PromptEncoder(parts, .plain, size: (resolution, resolution))
  }

  /// Its states.
  public func condition(of text: String) throws -> Condition {
    if let condition = known[text] { return condition }
    let condition = try encoder.condition(of: text, chunks: 1)
    let size = condition.text?.states.count ?? 0
    if size <= room {
      room -= size
      known[text] = condition
    }
    return condition
  }

  /// What denoises alone.
  public func network(
    _ denoiser: any DenoiserConfig, _ store: (_ part: String) -> ParameterStore
  ) throws -> any Denoiser {
    try denoiser.build(store(TextDenoiser.denoiserPart))
  }

  /// All of it, and the model's own encoders.
  public func saved(
    _ tensors: [(key: String, tensor: Tensor)]
  ) -> (denoiser: [(key: String, tensor: Tensor)], text: SavedText) { (tensors, .copied(model)) }

  /// None learns.
  public var learned: CLIPTextConfig? { nil }
}
