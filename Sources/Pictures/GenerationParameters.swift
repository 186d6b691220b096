import Foundation

/// The `parameters` text that AUTOMATIC1111's web UI puts into PNGs and that most viewers and model sites
/// read: prompt, negative prompt, then one line of `Key: value` pairs.
public struct GenerationParameters: Sendable, Hashable {
  /// One `Key: value` of the last line.
  public struct Field: Sendable, Hashable {
    /// At least two characters: a letter, digit or underscore, then also spaces, `-` and `/`.
    public var key: String
    /// The value as it is meant, free of quotes.
    public var value: String

    /// A key and its value.
    public init(_ key: String, _ value: String) {
      self.key = key
      self.value = value
    }
  }

  /// The keyword under which the text stands in a PNG.
  public static let keyword = "parameters"

  /// What was asked for; may have several lines.
  public var prompt: String
  /// What was to be avoided; may have several lines.
  public var negativePrompt: String
  /// The pairs in their order.
  public var fields: [Field]

  /// Parameters of their three parts.
  public init(prompt: String = "", negativePrompt: String = "", fields: [Field] = []) {
    self.prompt = prompt
    self.negativePrompt = negativePrompt
    self.fields = fields
  }

  /// The value of the first field with this key.
  public subscript(key: String) -> String? { fields.first { $0.key == key }?.value }

  /// The text as the web UI writes it. Values with a comma, a colon or a line end are JSON-quoted.
  public var text: String {
    var lines: [String] = []
    if !prompt.isEmpty { lines.append(prompt) }
    if !negativePrompt.isEmpty { lines.append(Self.negativePrefix + " " + negativePrompt) }
    lines.append(fields.map { "\($0.key): \(Self.quoted($0.value))" }.joined(separator: ", "))
    return lines.joined(separator: "\n").trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Reads such a text. As in the web UI, a last line of fewer than three pairs belongs to the prompt.
  public init(text: String) {
    var lines = text.trimmingCharacters(in: .whitespacesAndNewlines)
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    fields = Self.fields(of: lines.last ?? "")
    if fields.count < 3 { fields = [] } else { lines.removeLast() }

    let negativeStart = lines.firstIndex { $0.hasPrefix(Self.negativePrefix) } ?? lines.endIndex
    prompt = lines[..<negativeStart].joined(separator: "\n")
    var negative = Array(lines[negativeStart...])
    if let first = negative.first {
      negative[0] = String(first.dropFirst(Self.negativePrefix.count)).trimmingCharacters(in: .whitespaces)
    }
    negativePrompt = negative.joined(separator: "\n")
  }

  private static let negativePrefix = "Negative prompt:"

  private static func quoted(_ value: String) -> String {
    // A value that itself starts and ends with a quote would be unquoted by a reader.
    let isAmbiguous = value.contains { ",:\n".contains($0) } || value.hasPrefix("\"")
    guard isAmbiguous else { return value }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    // Encoding a string cannot fail; the plain value is still the best that could be written.
    guard let json = try? encoder.encode(value) else { return value }
    return String(decoding: json, as: UTF8.self)
  }

  private static func unquoted(_ value: Substring) -> String {
    guard value.count >= 2, value.hasPrefix("\""), value.hasSuffix("\""),
      let text = try? JSONDecoder().decode(String.self, from: Data(value.utf8))
    else { return String(value) }
    return text
  }

  /// The pairs `key: value`, comma-separated, of one line; text between that is no pair is passed over.
  private static func fields(of line: String) -> [Field] {
    var fields: [Field] = []
    var rest = line[...]
    while !rest.isEmpty {
      rest = rest.drop { $0 == " " || $0 == "," }
      guard let colon = rest.firstIndex(of: ":") else { break }
      // What precedes the key's last comma is stray text.
      let key = rest[..<colon].split(separator: ",").last ?? ""
      rest = rest[rest.index(after: colon)...].drop { $0 == " " }
      let end = rest.hasPrefix("\"") ? endOfQuotation(rest) : nil
      let value = rest[..<(end ?? rest.firstIndex(of: ",") ?? rest.endIndex)]
      rest = rest[value.endIndex...]
      let name = key.trimmingCharacters(in: .whitespaces)
      if isKey(name) { fields.append(Field(name, unquoted(value))) }
    }
    return fields
  }

  private static func isKey(_ name: String) -> Bool {
    name.count >= 2 && name.allSatisfy { $0.isLetter || $0.isNumber || "_ -/".contains($0) }
  }

  /// The index after the closing quote, or nil where the quotation never ends.
  private static func endOfQuotation(_ text: Substring) -> Substring.Index? {
    var isEscaped = false
    for index in text.indices.dropFirst() {
      if isEscaped {
        isEscaped = false
      } else if text[index] == "\\" {
        isEscaped = true
      } else if text[index] == "\"" {
        return text.index(after: index)
      }
    }
    return nil
  }
}
