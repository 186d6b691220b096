/// What a text encoder is given at a time: as many tokens as it has positions, each with a weight.
public struct PromptChunk: Sendable, Equatable {
  /// The mark of the beginning, the text, marks of the end or padding.
  public let tokens: [Int]
  /// One a token; 1 for marks and padding.
  public let weights: [Float]
  /// How many tokens are of the text.
  public let count: Int

  /// The chunks of a text. In A1111's syntax as many as it takes, at least one: a chunk ends where it is full or at a
  /// `BREAK`; where it is full and one of its last twenty tokens is a comma, what follows the comma moves to the next.
  ///
  /// - Parameters:
  ///   - text: one span of a prompt's schedule.
  ///   - length: how many tokens the encoder takes, 77 for CLIP's.
  /// - Throws: `PromptError`.
  public static func chunks(
    of text: String, _ tokenizer: CLIPTokenizer, length: Int, _ syntax: PromptSyntax
  ) throws -> [PromptChunk] {
    switch syntax {
    case .plain:
      let tokens = Array(tokenizer(text).prefix(length - 2))
      return [
        PromptChunk(
          tokens: tokenizer.padded(tokens: tokens, length: length),
          weights: Array(repeating: 1, count: length), count: tokens.count)
      ]
    case .a1111:
      var packer = Packer(tokenizer: tokenizer, capacity: length - 2)
      for stretch in try WeightedText.stretches(of: text) { packer.add(stretch) }
      return packer.finish()
    }
  }

  /// A chunk of nothing, as the shorter of two prompts is made as long as the other.
  public static func empty(_ tokenizer: CLIPTokenizer, length: Int) -> PromptChunk {
    PromptChunk(
      tokens: tokenizer.padded(tokens: [], length: length), weights: Array(repeating: 1, count: length),
      count: 0)
  }

  private struct Packer {
    /// A1111's "Increase coherency by padding from the last comma within n tokens".
    static let backtrack = 20

    let tokenizer: CLIPTokenizer
    /// Tokens of text in a chunk.
    let capacity: Int
    let comma: Int?
    var chunks: [PromptChunk] = []
    var open: [(token: Int, weight: Float)] = []
    /// Where the open chunk's last comma stands.
    var lastComma: Int?

    init(tokenizer: CLIPTokenizer, capacity: Int) {
      (self.tokenizer, self.capacity) = (tokenizer, capacity)
      comma = tokenizer.number(of: "," + BytePairEncoding.endOfWord)
    }

    mutating func add(_ stretch: WeightedText) {
      if stretch.isBreak { return close() }
      for token in tokenizer(stretch.text) {
        if token == comma {
          lastComma = open.count
        } else if open.count == capacity, let comma = lastComma, capacity - comma <= Self.backtrack {
          let moved = open[(comma + 1)...]
          open.removeSubrange((comma + 1)...)
          close()
          open = Array(moved)
        }
        if open.count == capacity { close() }
        open.append((token, Float(stretch.weight)))
      }
    }

    mutating func finish() -> [PromptChunk] {
      if !open.isEmpty || chunks.isEmpty { close() }
      return chunks
    }

    private mutating func close() {
      let rest = capacity - open.count
      var tokens =
        [tokenizer.beginning] + open.map(\.token) + Array(repeating: tokenizer.end, count: rest + 1)
      // What follows the first mark of the end is padding.
      let end = tokens.firstIndex(of: tokenizer.end)! + 1
      tokens.replaceSubrange(end..., with: repeatElement(tokenizer.padding, count: tokens.count - end))
      let weights = [1] + open.map(\.weight) + Array(repeating: Float(1), count: rest + 1)
      chunks.append(PromptChunk(tokens: tokens, weights: weights, count: open.count))
      (open, lastComma) = ([], nil)
    }
  }
}
