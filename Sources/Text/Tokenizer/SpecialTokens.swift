import Foundation

/// The marks of a tokenizer and the tokens added to its vocabulary, from the small files beside it.
struct SpecialTokens {
  enum Role: String, CaseIterable {
    // In the order in which transformers adds them: of two with one text the later one says how it is looked for.
    case beginning = "bos_token"
    case end = "eos_token"
    case unknown = "unk_token"
    case padding = "pad_token"

    var ownOfCLIP: String { self == .beginning ? "<|startoftext|>" : "<|endoftext|>" }
  }

  private(set) var numbers: [Role: Int] = [:]
  private(set) var added: [AddedTokens.Token]

  /// - Parameter added: tokens that `tokenizer.json` adds.
  init(folder: URL, vocabulary: [String: Int], added: [AddedTokens.Token]) throws {
    self.added = added
    let configURL = folder.appending(path: "tokenizer_config.json")
    let mapURL = folder.appending(path: "special_tokens_map.json")
    let form = "the configuration of a tokenizer"
    let config =
      try TokenizerFile.exists(configURL) ? TokenizerFile.decode(Marks.self, configURL, form) : Marks()
    let map = try TokenizerFile.exists(mapURL) ? TokenizerFile.decode(Marks.self, mapURL, form) : Marks()
    let legacyURL = folder.appending(path: "added_tokens.json")
    if TokenizerFile.exists(legacyURL) {
      let legacy = try TokenizerFile.decode(
        [String: Int].self, legacyURL, "a list of added tokens (text: number)")
      for (text, number) in legacy.sorted(by: { $0.value < $1.value }) where !has(text) {
        put(Token(content: text, number: number, isNormalized: true, isSingleWord: false))
      }
    }
    for (number, text) in (config.added ?? [:]).sorted(by: { $0.key < $1.key }) {
      guard let number = Int(number), number >= 0 else {
        throw TokenizerError(
          file: configURL.relativePath,
          problem: "has the key '\(number)' in added_tokens_decoder, which is no number")
      }
      put(text.token(number))
    }
    let isListed = !self.added.isEmpty
    for role in Role.allCases {
      let text = config.roles[role] ?? map.roles[role] ?? .init(role.ownOfCLIP)
      guard
        let number = self.added.last(where: { $0.content == text.content })?.number
          ?? vocabulary[text.content]
      else {
        let file = [configURL, mapURL].first(where: TokenizerFile.exists) ?? folder
        throw TokenizerError(
          file: file.relativePath,
          problem: "has the \(role.rawValue) '\(text.content)', which is not in the vocabulary")
      }
      numbers[role] = number
      // A plain text takes over what a list of added tokens says of it; without a list the last mark counts.
      if !(text.isPlain && isListed && has(text.content)) { put(text.token(number)) }
    }
  }

  private typealias Token = AddedTokens.Token

  private func has(_ content: String) -> Bool { added.contains { $0.content == content } }

  private mutating func put(_ token: Token) {
    added.removeAll { $0.content == token.content }
    added.append(token)
  }

  /// A token's text, plain or with how it is looked for.
  private struct Text: Decodable {
    var content: String
    var isNormalized = false, isSingleWord = false, isPlain = false

    init(_ content: String) { (self.content, isPlain) = (content, true) }

    private enum CodingKeys: String, CodingKey {
      case content, normalized
      case singleWord = "single_word"
    }

    init(from decoder: any Decoder) throws {
      if let plain = try? decoder.singleValueContainer().decode(String.self) {
        self.init(plain)
        return
      }
      let values = try decoder.container(keyedBy: CodingKeys.self)
      self.init(try values.decode(String.self, forKey: .content))
      isPlain = false
      isNormalized = try values.decodeIfPresent(Bool.self, forKey: .normalized) ?? false
      isSingleWord = try values.decodeIfPresent(Bool.self, forKey: .singleWord) ?? false
    }

    func token(_ number: Int) -> Token {
      Token(content: content, number: number, isNormalized: isNormalized, isSingleWord: isSingleWord)
    }
  }

  /// What `tokenizer_config.json` and `special_tokens_map.json` say of marks.
  private struct Marks: Decodable {
    var roles: [Role: Text] = [:]
    var added: [String: Text]?

    private struct Key: CodingKey {
      let stringValue: String
      let intValue: Int? = nil
      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    init() {}

    init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: Key.self)
      for role in Role.allCases {
        roles[role] = try values.decodeIfPresent(Text.self, forKey: Key(stringValue: role.rawValue))
      }
      added = try values.decodeIfPresent(
        [String: Text].self, forKey: Key(stringValue: "added_tokens_decoder"))
    }
  }
}
