import Foundation

/// CLIP's tokenizer (Radford et al. 2021): byte-level pairs with an end-of-word mark, over cleaned lower-case text.
///
/// Gives the numbers of `transformers.CLIPTokenizer`, version 5. Opened from a folder by `init(folder:)`.
public struct CLIPTokenizer: Sendable {
  /// What a text begins with (`<|startoftext|>`, 49406 in CLIP's own vocabulary).
  public let beginning: Int
  /// What a text ends with (`<|endoftext|>`, 49407).
  public let end: Int
  /// What follows the end up to the encoder's length: the end again in Stable Diffusion 1, 0 ("!") in 2 and in the
  /// second encoder of SDXL.
  public let padding: Int
  /// The folder or file it came from, for messages.
  public let source: String
  /// The text of each number that has one.
  private let texts: [Int: String]
  private let numbers: [String: Int]
  private let pairs: BytePairEncoding
  private let added: AddedTokens

  init(
    source: String, vocabulary: [String: Int], merges: [SymbolMerge], added: [AddedTokens.Token],
    beginning: Int, end: Int, padding: Int, unknown: Int?
  ) {
    (self.source, self.beginning, self.end, self.padding) = (source, beginning, end, padding)
    var numbers = vocabulary
    for token in added { numbers[token.content] = token.number }
    self.numbers = numbers
    texts = Dictionary(numbers.map { ($0.value, $0.key) }, uniquingKeysWith: min)
    pairs = BytePairEncoding(vocabulary: vocabulary, merges: merges, unknown: unknown)
    self.added = AddedTokens(added)
  }

  /// How many entries an embedding needs to have one for every token: the largest number and one.
  public var vocabularySize: Int { (texts.keys.max() ?? -1) + 1 }

  /// The tokens of a text, without marks of its beginning and end.
  public func callAsFunction(_ text: String) -> [Int] {
    added.pieces(text).flatMap { piece in
      switch piece {
      case .token(let number): [number]
      case .text(let stretch): TextCleaning.words(stretch).flatMap { pairs($0) }
      }
    }
  }

  /// The tokens of a text as diffusers hands them to an encoder: its beginning, at most `length - 2` tokens, its end,
  /// and padding up to `length`.
  public func padded(_ text: String, length: Int) -> [Int] { padded(tokens: self(text), length: length) }

  /// The same for tokens that are known already; what does not fit is cut off.
  public func padded(tokens: [Int], length: Int) -> [Int] {
    let marked = [beginning] + tokens.prefix(max(length - 2, 0)) + [end]
    return marked + Array(repeating: padding, count: max(length - marked.count, 0))
  }

  /// How a token is written in the vocabulary, such as `cat</w>`; nil for a number that has none.
  public func text(of token: Int) -> String? { texts[token] }

  /// The number of a vocabulary's entry, such as `,</w>`.
  public func number(of text: String) -> Int? { numbers[text] }

  /// Whether an encoder has an embedding for every token.
  ///
  /// - Parameters:
  ///   - vocabularySize: how many embeddings it has.
  ///   - encoder: the file that says so, for the message.
  /// - Throws: `TokenizerError`.
  public func check(vocabularySize: Int, of encoder: String) throws {
    guard self.vocabularySize > vocabularySize else { return }
    throw TokenizerError(
      file: source,
      problem:
        "does not belong to its text encoder: it has tokens up to \(self.vocabularySize - 1), and \(encoder) says "
        + "vocab_size \(vocabularySize)")
  }
}
