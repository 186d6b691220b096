import Foundation

extension CLIPTokenizer {
  /// Opens `tokenizer.json`, as transformers 5 writes it, or `vocab.json` and `merges.txt`. The marks of beginning, end
  /// and padding come from `tokenizer_config.json` (or the older `special_tokens_map.json`), and are CLIP's own where
  /// neither names them.
  ///
  /// - Throws: `TokenizerError`, which names the file, and the line where one is to blame.
  public init(folder: URL) throws {
    let single = folder.appending(path: "tokenizer.json")
    let model = try TokenizerFile.exists(single) ? Model(tokenizer: single) : Model(folder: folder)
    let marks = try SpecialTokens(folder: folder, vocabulary: model.vocabulary, added: model.added)
    self.init(
      source: folder.relativePath, vocabulary: model.vocabulary, merges: model.merges, added: marks.added,
      beginning: marks.numbers[.beginning]!, end: marks.numbers[.end]!, padding: marks.numbers[.padding]!,
      unknown: marks.numbers[.unknown])
  }

  /// A vocabulary and how its symbols merge.
  struct Model {
    var vocabulary: [String: Int]
    var merges: [SymbolMerge] = []
    /// Tokens that the file itself adds.
    var added: [AddedTokens.Token] = []

    /// From `vocab.json` and `merges.txt`.
    init(folder: URL) throws {
      let vocabularyURL = folder.appending(path: "vocab.json")
      guard TokenizerFile.exists(vocabularyURL) else {
        throw TokenizerError(
          file: folder.relativePath,
          problem: "is no tokenizer's folder: it has neither tokenizer.json nor vocab.json and merges.txt")
      }
      vocabulary = try TokenizerFile.decode([String: Int].self, vocabularyURL, "a vocabulary (text: number)")
      try Self.check(vocabulary, vocabularyURL)
      let url = folder.appending(path: "merges.txt")
      guard let text = String(data: try TokenizerFile.data(url), encoding: .utf8) else {
        throw TokenizerError(file: url.relativePath, problem: "is not text in UTF-8")
      }
      // Read line by line as bytes are, since symbols hold what Swift takes for line ends.
      for (i, line) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        .enumerated()
      {
        var line = line
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        let symbols = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map {
          String(Substring($0))
        }
        if line.isEmpty || symbols[0] == "#version:" { continue }
        merges.append(try merge(symbols, url, line: i + 1))
      }
    }

    /// From `tokenizer.json`.
    init(tokenizer url: URL) throws {
      let file = try TokenizerFile.decode(TokenizerJSON.self, url, "the description of a CLIP tokenizer")
      guard file.model.type ?? "BPE" == "BPE", file.model.endOfWordSuffix == BytePairEncoding.endOfWord else {
        throw TokenizerError(
          file: url.relativePath,
          problem:
            "describes a tokenizer of another kind (\(file.model.type ?? "BPE") with the end of words marked "
            + "'\(file.model.endOfWordSuffix ?? "")'); CLIP's is a BPE that marks them '\(BytePairEncoding.endOfWord)'"
        )
      }
      vocabulary = file.model.vocab
      try Self.check(vocabulary, url)
      for pair in file.model.merges { merges.append(try merge(pair.symbols, url, line: nil)) }
      added = (file.addedTokens ?? []).map(\.token)
    }

    private static func check(_ vocabulary: [String: Int], _ url: URL) throws {
      var owners: [Int: String] = [:]
      owners.reserveCapacity(vocabulary.count)
      for (text, number) in vocabulary {
        guard (0..<(1 << 24)).contains(number) else {
          throw TokenizerError(
            file: url.relativePath, problem: "gives '\(text)' the impossible number \(number)")
        }
        if let other = owners.updateValue(text, forKey: number) {
          let both = [text, other].sorted()
          throw TokenizerError(
            file: url.relativePath,
            problem: "gives the number \(number) to both '\(both[0])' and '\(both[1])'")
        }
      }
    }

    private func merge(_ symbols: [String], _ url: URL, line: Int?) throws -> SymbolMerge {
      func fail(_ problem: String) -> TokenizerError {
        TokenizerError(file: url.relativePath, line: line, problem: problem)
      }
      guard symbols.count == 2, !symbols.contains("") else {
        throw fail(
          "is not a merge, two symbols with a space between: '\(symbols.joined(separator: " ").prefix(40))'")
      }
      let numbers = try (symbols + [symbols[0] + symbols[1]]).map { symbol in
        guard let number = vocabulary[symbol] else {
          throw fail("merges '\(symbols[0])' and '\(symbols[1])', but '\(symbol)' is not in the vocabulary")
        }
        return number
      }
      return SymbolMerge(left: numbers[0], right: numbers[1], merged: numbers[2])
    }
  }

  private struct TokenizerJSON: Decodable {
    let model: BPE
    let addedTokens: [Added]?

    struct BPE: Decodable {
      let type: String?
      let vocab: [String: Int]
      let merges: [Pair]
      let endOfWordSuffix: String?

      enum CodingKeys: String, CodingKey {
        case type, vocab, merges
        case endOfWordSuffix = "end_of_word_suffix"
      }
    }

    /// Written `["a", "b"]`, before tokenizers 0.20 `"a b"`.
    struct Pair: Decodable {
      let symbols: [String]

      init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let line = try? value.decode(String.self) {
          symbols = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        } else {
          symbols = try value.decode([String].self)
        }
      }
    }

    struct Added: Decodable {
      let token: AddedTokens.Token

      private enum CodingKeys: String, CodingKey {
        case id, content, normalized
        case singleWord = "single_word"
      }

      init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        token = AddedTokens.Token(
          content: try values.decode(String.self, forKey: .content),
          number: try values.decode(Int.self, forKey: .id),
          isNormalized: try values.decodeIfPresent(Bool.self, forKey: .normalized) ?? false,
          isSingleWord: try values.decodeIfPresent(Bool.self, forKey: .singleWord) ?? false)
      }
    }

    enum CodingKeys: String, CodingKey {
      case model
      case addedTokens = "added_tokens"
    }
  }
}
