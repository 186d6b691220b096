import ArgumentParser
import Foundation
import Models
import Text

/// `darkroom prompt`: how prompts are understood.
struct PromptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prompt", abstract: "Show how a prompt is understood.",
    discussion: """
      EXAMPLES
        darkroom prompt show model "a (red:1.3) star on [blue:green:0.5] ground"
      """,
    subcommands: [PromptShowCommand.self])
}

/// `darkroom prompt show`: a prompt's texts, chunks, tokens and weights.
struct PromptShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Print a prompt's texts, chunks, tokens and weights.",
    discussion: """
      (word) counts 1.1 times, (word:1.3) 1.3 times, [word] 1.1 times less; \\( \\) \\[ \\] are the signs themselves. BREAK begins a new chunk. \
      [from:to:when] changes after a step, or after a share of the steps where when has a dot; [a|b] takes turns; AND composes, each text with a weight \
      :1.2 at its end. With --prompt-syntax plain every sign is text.
      """)

  @Argument(help: "A model's folder, or a tokenizer's.", completion: .directory)
  var model: String

  @Argument(help: "The prompt.")
  var prompt: String

  @OptionGroup var reading: PromptReading

  @Flag(help: "Read it as a negative prompt: one text, in which AND is a word.")
  var negative = false

  @Option(help: "Steps of the sampler, which changes count in.")
  var steps = 50

  @Option(
    help: "Tokens a text encoder takes at a time, its marks included. (default: the model's, or 77)")
  var length: Int?

  func validate() throws {
    if !(1...100_000).contains(steps) { throw ValidationError("--steps must be from 1 to 100000.") }
    if !(3...65_536).contains(length ?? 3) { throw ValidationError("--length must be from 3 to 65536.") }
  }

  func run() throws {
    let tokenizers = try tokenizers()
    let length = try length ?? encoderLength() ?? 77
    let prompt = try Prompt(prompt, reading.promptSyntax, isNegative: negative, steps: steps)
    for (name, tokenizer) in tokenizers {
      if tokenizers.count > 1 { try Console.print("\(name):") }
      for (i, part) in prompt.parts.enumerated() {
        if prompt.parts.count > 1 || part.weight != 1 {
          try Console.print("part \(i + 1)  weight \(number(part.weight))")
        }
        try show(part.schedule, tokenizer, length: length)
      }
    }
  }

  /// What all text encoders of a model have positions for; nil for a tokenizer alone.
  private func encoderLength() throws -> Int? {
    let url = try URL(argument: model, "<model>")
    return try ["text_encoder", "text_encoder_2"].map { url.appending(path: "\($0)/config.json") }
      .filter { FileManager.default.fileExists(atPath: $0.path) }
      .map { try CLIPTextConfig(contentsOf: $0).maxPositionEmbeddings }.min()
  }

  private func show(_ schedule: PromptSchedule, _ tokenizer: CLIPTokenizer, length: Int) throws {
    var first = 1
    for span in schedule.spans {
      if schedule.spans.count > 1 {
        try Console.print("steps \(first)-\(span.lastStep)  \(span.text)")
        first = span.lastStep + 1
      }
      let chunks = try PromptChunk.chunks(of: span.text, tokenizer, length: length, reading.promptSyntax)
      for (i, chunk) in chunks.enumerated() {
        try Console.print("chunk \(i + 1)  \(chunk.count) of \(length - 2) tokens")
        for at in 1..<(1 + chunk.count) {
          let token = chunk.tokens[at]
          let weight = chunk.weights[at] == 1 ? "" : "  \(number(Double(chunk.weights[at])))"
          try Console.print(
            "  \(String(token).leftPadded(to: 5))  \(tokenizer.text(of: token) ?? "?")\(weight)")
        }
      }
      let cut = tokenizer(span.text).count - (length - 2)
      if reading.promptSyntax == .plain, cut > 0 {
        Console.note(
          "the last \(cut.counted("token")) do not fit and are cut off; --prompt-syntax a1111 takes them in")
      }
    }
  }

  /// Those of a model, or the one that the folder is.
  private func tokenizers() throws -> [(name: String, tokenizer: CLIPTokenizer)] {
    let url = try URL(argument: model, "<model>")
    guard FileManager.default.fileExists(atPath: url.path) else { throw Failure("\(model) does not exist.") }
    let parts = ["tokenizer", "tokenizer_2"].filter {
      FileManager.default.fileExists(atPath: url.appending(path: $0).path)
    }
    if parts.isEmpty && FileManager.default.fileExists(atPath: url.appending(path: "model_index.json").path) {
      throw Failure("\(model) is a model without a tokenizer; it takes no prompts.")
    }
    guard !parts.isEmpty else { return [("tokenizer", try CLIPTokenizer(folder: url))] }
    return try parts.map { ($0, try CLIPTokenizer(folder: url.appending(path: $0))) }
  }

  private func number(_ value: Double) -> String { String(format: "%g", (value * 1e4).rounded() / 1e4) }
}

extension String {
  /// With spaces before it, `width` characters wide at least.
  fileprivate func leftPadded(to width: Int) -> String {
    String(repeating: " ", count: max(width - count, 0)) + self
  }
}
