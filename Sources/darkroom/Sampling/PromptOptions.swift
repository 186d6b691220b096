import ArgumentParser
import Foundation
import Pipelines
import Text

/// What a model that reads texts is told, for every command that samples.
struct PromptOptions: ParsableArguments {
  // Prompts may begin with a dash. A list, so that a second one is refused and not taken for the first.
  @Option(
    name: .customLong("prompt"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "What to draw, for models that read a text. See 'darkroom prompt show --help' for its syntax.",
      valueName: "prompt"))
  private var prompts: [String] = []

  /// What to draw.
  var prompt: String? {
    get { prompts.first }
    set { prompts = newValue.map { [$0] } ?? [] }
  }

  @Option(
    parsing: .unconditional,
    help: "What not to draw: takes the place of the empty text that guidance leads away from.")
  var negativePrompt: String?

  @Option(help: "Layers left out at the end of the text encoder, as diffusers counts; A1111's is one more.")
  var clipSkip = 0

  @OptionGroup var reading: PromptReading

  func validate() throws {
    guard prompts.count <= 1 else {
      throw ValidationError(
        "--prompt is given \(prompts.count.counted("time")); give one, or a file of them to 'sample --prompts-file'."
      )
    }
  }

  /// Whether anything is asked for.
  var areGiven: Bool { prompt != nil || negativePrompt != nil || clipSkip != 0 }

  /// As they stand on a command line, what is as it is without being given left out.
  var words: [String] {
    (prompt.map { ["--prompt", $0] } ?? []) + (negativePrompt.map { ["--negative-prompt", $0] } ?? [])
      + (clipSkip == 0 ? [] : ["--clip-skip", "\(clipSkip)"])
      + (reading.promptSyntax == .a1111 ? [] : ["--prompt-syntax", reading.promptSyntax.rawValue])
  }
}

/// How prompts are read, for every command that takes them.
struct PromptReading: ParsableArguments {
  @Option(
    help:
      "How a prompt is read: a1111 (weights, changes, AND, any length) or plain (text alone, cut as diffusers cuts it)."
  )
  var promptSyntax = PromptSyntax.a1111
}

extension PromptSyntax: ExpressibleByArgument {}
