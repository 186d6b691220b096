import Foundation
import Pipelines
import Schedulers
import Text

/// The prompts of a run on a model that reads texts, checked before any weights are loaded.
struct Prompting {
  /// One or more, each with the number of pictures that are made of it.
  let prompts: [String]
  let perPrompt: Int
  let negative: String?
  private let options: PromptOptions

  /// - Parameter lines: the prompts of a file, in place of the one on the command line.
  /// - Throws: `Failure` or `PromptError`.
  init(_ folder: ModelFolder, _ text: TextParts, _ options: PromptOptions, lines: [String]?, perPrompt: Int)
    throws
  {
    guard let prompts = lines ?? options.prompt.map({ [$0] }) else {
      throw Failure("\(folder.url.relativePath) draws what a text says; add --prompt.")
    }
    (self.prompts, self.perPrompt, negative) = (prompts, perPrompt, options.negativePrompt)
    self.options = options
    try check(text)
    // Whatever the steps are, a hundred show every text that may come.
    _ = try prompts.map { try parsed($0, steps: 100) }
    _ = try parsedNegative(steps: 100)
  }

  /// Whether what is asked can be told by the text encoders of a model.
  ///
  /// - Parameter url: of the model, where it is not the one that draws.
  /// - Throws: `Failure`.
  func check(_ text: TextParts, of url: URL? = nil) throws {
    guard (0...text.mostClipSkip).contains(options.clipSkip) else {
      throw Failure(
        "--clip-skip \(options.clipSkip) must be from 0 to \(text.mostClipSkip) for "
          + "\(url?.relativePath ?? "this model").")
    }
  }

  /// Which prompt a picture is of, by the picture's number: `perPrompt` of the first, as many of the next, and so on.
  private func index(_ picture: Int) -> Int { picture / perPrompt % prompts.count }

  /// The prompt of a picture by its number.
  func prompt(_ picture: Int) -> String { prompts[index(picture)] }

  /// The prompts of pictures by their numbers, each with how many in a row are of it.
  func runs(_ pictures: Range<Int>) -> [(prompt: Int, count: Int)] {
    var runs: [(prompt: Int, count: Int)] = []
    for index in pictures.map(index) {
      if runs.last?.prompt == index {
        runs[runs.count - 1].count += 1
      } else {
        runs.append((index, 1))
      }
    }
    return runs
  }

  /// What a network is told of each prompt. The encoders are in memory only while it is made.
  ///
  /// - Parameters:
  ///   - folder: of the model.
  ///   - size: of the pictures, in pixels.
  ///   - hasNegativeBranch: whether the negative prompt is a branch of its own.
  ///   - areStops: whether what lies between them will be told too, for which all must be of one length.
  func conditions(
    _ text: TextParts, of folder: ModelFolder, steps: Int, size: (height: Int, width: Int),
    hasNegativeBranch: Bool, areStops: Bool
  ) throws -> [PromptConditions] {
    let encoder = try PromptEncoder(text, syntax, clipSkip: options.clipSkip, size: size)
    let against = try parsedNegative(steps: steps)
    let prompts = try prompts.map { try parsed($0, steps: steps) }
    return try prompts.map {
      try PromptConditions(
        $0, negative: against, isBranch: hasNegativeBranch, beside: areStops ? prompts : [],
        forcesZeros: folder.index.forcesZerosForEmptyPrompt, encoder)
    }
  }

  private var syntax: PromptSyntax { options.reading.promptSyntax }

  private func parsed(_ prompt: String, steps: Int) throws -> Prompt {
    try Prompt(prompt, syntax, steps: steps)
  }

  private func parsedNegative(steps: Int) throws -> Prompt? {
    try negative.map { try Prompt($0, syntax, isNegative: true, steps: steps) }
  }

  /// The prompts of a file, one a line; empty lines are passed over.
  ///
  /// - Throws: `Failure`.
  static func lines(of file: String) throws -> [String] {
    let url = try URL(argument: file, "--prompts-file")
    guard let text = try? String(contentsOf: url, encoding: .utf8) else {
      throw Failure("\(file) cannot be read as text in UTF-8.")
    }
    let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty }
    guard !lines.isEmpty else { throw Failure("\(file) holds no prompts; write one a line.") }
    return lines
  }
}

/// What networks are told of the prompts of a run, one after the other; nothing where they read none.
struct EncodedPrompts {
  var strong: [PromptConditions] = []
  /// Autoguidance's weaker model, by its own text encoders.
  var weak: [PromptConditions]?
}

/// What the prompts of some pictures say, each with how many pictures in a row it holds for.
struct PicturePrompts {
  let strong: [(PromptConditions, Int)]
  /// The same as autoguidance's weaker model is told it.
  let weak: [(PromptConditions, Int)]?
}
