import Files
import Foundation

/// A tokenizer learned from captions, in the form in which CLIP's is kept.
public struct TrainedTokenizer: Sendable {
  /// The text of each number, without the marks of beginning and end, which are the last two.
  let symbols: [String]
  let merges: [(left: String, right: String)]

  /// How many tokens there are, the two marks included.
  public var vocabularySize: Int { symbols.count + 2 }

  /// The tokenizer itself.
  public var tokenizer: CLIPTokenizer {
    let numbers = Dictionary(uniqueKeysWithValues: zip(vocabulary, vocabulary.indices))
    let (beginning, end) = (symbols.count, symbols.count + 1)
    return CLIPTokenizer(
      source: "a tokenizer trained on captions", vocabulary: numbers,
      merges: merges.map {
        SymbolMerge(left: numbers[$0.left]!, right: numbers[$0.right]!, merged: numbers[$0.left + $0.right]!)
      },
      added: [Self.beginning, Self.end].enumerated().map {
        AddedTokens.Token(
          content: $0.element, number: symbols.count + $0.offset, isNormalized: true, isSingleWord: false)
      }, beginning: beginning, end: end, padding: end, unknown: end)
  }

  /// Writes `vocab.json`, `merges.txt` and `tokenizer_config.json`, which `transformers.CLIPTokenizer` opens.
  ///
  /// - Parameter length: how many tokens its text encoder takes.
  /// - Throws: `FileError`.
  public func write(to folder: URL, length: Int) throws {
    try AtomicFile.makeFolder(folder)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    // By number, as every tokenizer's file is; a dictionary would be written in an order of its own.
    let entries = try vocabulary.enumerated().map { number, text in
      String(decoding: try encoder.encode(text), as: UTF8.self) + ":\(number)"
    }
    try AtomicFile.write(
      Data("{\(entries.joined(separator: ","))}".utf8), to: folder.appending(path: "vocab.json"))
    let lines = ["#version: 0.2"] + merges.map { "\($0.left) \($0.right)" }
    try AtomicFile.write(
      Data((lines.joined(separator: "\n") + "\n").utf8), to: folder.appending(path: "merges.txt"))
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try AtomicFile.write(
      try encoder.encode(Config(modelMaxLength: length)), to: folder.appending(path: "tokenizer_config.json"))
  }

  private static let beginning = "<|startoftext|>"
  private static let end = "<|endoftext|>"
  private var vocabulary: [String] { symbols + [Self.beginning, Self.end] }

  private struct Config: Encodable {
    let modelMaxLength: Int

    private struct Mark: Encodable {
      let content: String
      enum CodingKeys: String, CodingKey {
        case type = "__type"
        case content, lstrip, normalized, rstrip
        case singleWord = "single_word"
      }

      func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode("AddedToken", forKey: .type)
        try values.encode(content, forKey: .content)
        try values.encode(true, forKey: .normalized)
        for key in [CodingKeys.lstrip, .rstrip, .singleWord] { try values.encode(false, forKey: key) }
      }
    }

    private enum CodingKeys: String, CodingKey {
      case begin = "bos_token"
      case end = "eos_token"
      case pad = "pad_token"
      case unknown = "unk_token"
      case modelMaxLength = "model_max_length"
      case tokenizerClass = "tokenizer_class"
    }

    func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode(Mark(content: beginning), forKey: .begin)
      for key in [CodingKeys.end, .pad, .unknown] { try values.encode(Mark(content: end), forKey: key) }
      try values.encode(modelMaxLength, forKey: .modelMaxLength)
      try values.encode("CLIPTokenizer", forKey: .tokenizerClass)
    }
  }
}
