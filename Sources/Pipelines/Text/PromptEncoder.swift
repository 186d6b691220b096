import Models
import TensorCore
import Text

/// The text encoders of a model with their weights: texts to what the network reads.
public struct PromptEncoder {
  private let sides: [(tokenizer: CLIPTokenizer, encoder: CLIPTextEncoder)]
  private let parts: TextParts
  private let syntax: PromptSyntax
  private let clipSkip: Int
  private let size: (height: Int, width: Int)

  /// Loads the encoders' weights.
  ///
  /// - Parameters:
  ///   - clipSkip: how many layers are left out at the end, as diffusers counts them; A1111's "Clip skip" is one more.
  ///   - size: of the pictures, in pixels, for networks that are told it.
  /// - Throws: `CheckpointError` or `SafetensorsError`.
  public init(
    _ parts: TextParts, _ syntax: PromptSyntax, clipSkip: Int = 0, size: (height: Int, width: Int)
  ) throws {
    sides = try parts.encoders.map { ($0.tokenizer.tokenizer, try $0.encoder.encoder()) }
    (self.parts, self.syntax, self.clipSkip, self.size) = (parts, syntax, clipSkip, size)
  }

  /// How many chunks the encoders read for a text, which is the same for all of them where their vocabularies are.
  ///
  /// - Throws: `PromptError`.
  public func chunkCount(of text: String) throws -> Int {
    try sides.map { try PromptChunk.chunks(of: text, $0.tokenizer, length: parts.length, syntax).count }.max()
      ?? 1
  }

  /// What the network is told of one text, as one row.
  ///
  /// - Parameters:
  ///   - isNegative: in plain syntax the layers of a negative prompt are all taken, as diffusers takes them.
  ///   - count: at least so many chunks, filled up with chunks of nothing, so that the rows of a prompt and of what it is held
  ///     against are of one length.
  /// - Throws: `PromptError`.
  public func condition(of text: String, isNegative: Bool = false, chunks count: Int) throws -> Condition {
    let choice = choice(clipSkip: isNegative && syntax == .plain ? 0 : clipSkip)
    var (states, pooled): ([Tensor], Tensor?) = ([], nil)
    for (tokenizer, encoder) in sides {
      var chunks = try PromptChunk.chunks(of: text, tokenizer, length: parts.length, syntax)
      while chunks.count < count { chunks.append(.empty(tokenizer, length: parts.length)) }
      let outputs = withoutGradients { chunks.map { encoder([$0.tokens], choice) } }
      let weighted = zip(outputs, chunks).flatMap { Self.weighted($0.states, by: $1.weights) }
      states.append(
        Tensor(weighted, shape: [chunks.count * parts.length, encoder.config.hiddenSize]))
      // The last encoder's, of the first chunk.
      pooled = outputs[0].pooled
    }
    let joined = states.count == 1 ? states[0] : .concatenatedChannels(states)
    var condition = Condition(text: TextStates(joined.reshaped([1] + joined.shape)))
    if parts.input.pooledChannels != nil {
      let (height, width) = (Float(size.height), Float(size.width))
      condition.pooledText = pooled
      condition.sizes = Tensor([height, width, 0, 0, height, width], shape: [1, 6])
    }
    return condition
  }

  /// What SDXL is told in place of a negative prompt that was not given: nothing but the sizes.
  public func zeros(chunks count: Int) throws -> Condition {
    var condition = try condition(of: "", chunks: count)
    condition.text = condition.text.map { TextStates(.zeros($0.states.shape)) }
    condition.pooledText = condition.pooledText.map { .zeros($0.shape) }
    return condition
  }

  private func choice(clipSkip: Int) -> CLIPTextEncoder.Choice {
    parts.input.pooledChannels == nil ? .clipSkip(clipSkip) : .sdxl(clipSkip: clipSkip)
  }

  /// A chunk's states, each times its token's weight, and all times what restores their mean: A1111's "original" emphasis.
  private static func weighted(_ states: Tensor, by weights: [Float]) -> [Float] {
    var values = states.values
    guard weights.contains(where: { $0 != 1 }) else { return values }
    let width = values.count / weights.count
    func sum() -> Double { values.reduce(0) { $0 + Double($1) } }
    let before = sum()
    for (i, weight) in weights.enumerated() {
      for at in i * width..<(i + 1) * width { values[at] *= weight }
    }
    let after = sum()
    guard after != 0 else { return values }
    let factor = Float(before / after)
    return values.map { $0 * factor }
  }
}
