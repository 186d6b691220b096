import ArgumentParser
import Foundation

/// What the parser says of a command line that cannot be, in this program's form: one sentence, and where the options are
/// explained.
struct UsageMessage {
  let sentence: String

  /// - Parameters:
  ///   - message: the parser's sentence.
  ///   - full: the same with the command's usage, which names its help.
  init(_ message: String, full: String) {
    let first =
      message.split(separator: "\n").first.map(String.init) ?? "the command line cannot be understood"
    var text = Self.withoutFarSuggestion(first.trimmingCharacters(in: .whitespaces))
    text = text.prefix(1).lowercased() + text.dropFirst()
    if let last = text.last, !".?!".contains(last) { text += "." }
    // "See 'darkroom sample --help' for more information."
    if let help = full.firstMatch(of: /'(darkroom[^']* --help)'/)?.output.1 {
      text += " See '\(help)'."
    }
    sentence = text
  }

  /// The parser suggests whatever is fewer than four letters away, so `--crop` for `--lr`: a suggestion is worth something where
  /// most of the word is the same.
  private static func withoutFarSuggestion(_ message: String) -> String {
    guard let found = message.firstMatch(of: /Unknown option '(-*[^']+)'\. Did you mean '(-*[^']+)'\?/) else {
      return message
    }
    let (given, meant) = (String(found.output.1), String(found.output.2))
    let word = given.drop { $0 == "-" }
    guard distance(given, meant) * 3 > word.count else { return message }
    return "Unknown option '\(given)'"
  }

  /// How many letters must be put in, taken out or changed to make one word the other (Levenshtein 1966).
  static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a), Array(b))
    var row = Array(0...b.count)
    for (i, letter) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, other) in b.enumerated() {
        let changed = diagonal + (letter == other ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(changed, diagonal + 1, row[j] + 1)
      }
    }
    return row[b.count]
  }

  /// The word of a list that `text` may have been meant for; nil where none is near.
  static func nearest(_ text: String, in words: [String]) -> String? {
    let best = words.map { (word: $0, distance: distance(text.lowercased(), $0.lowercased())) }
      .min { $0.distance < $1.distance }
    return best.flatMap { $0.distance * 2 <= max(text.count, 2) && $0.distance < text.count ? $0.word : nil }
  }
}

/// Help as it is shown.
enum HelpText {
  /// `darkroom train` stands for `darkroom train denoiser`, so its help explains the options of both.
  static func complete(_ text: String) -> String {
    let words = CommandLine.arguments.dropFirst().filter { !["--help", "-h", "help"].contains($0) }
    guard words == ["train"] else { return text }
    return text + "\n\n" + Darkroom.helpMessage(for: TrainDenoiserCommand.self)
  }
}
