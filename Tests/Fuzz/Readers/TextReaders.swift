import Foundation
import Text

/// Prompts and the files of tokenizers; the first byte chooses.
func readText(_ input: [UInt8], _ scratch: URL) throws {
  guard let choice = input.first else { return }
  let rest = Array(input.dropFirst())
  let text = String(decoding: rest, as: UTF8.self)
  switch choice {
  case UInt8(ascii: "p"): try readPrompt(text, isNegative: false)
  case UInt8(ascii: "n"): try readPrompt(text, isNegative: true)
  case UInt8(ascii: "j"):
    try readTokenizer(["tokenizer.json": rest], scratch)
  case UInt8(ascii: "v"):
    // A vocabulary, the merges and the configuration, with zeros between.
    let parts = rest.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false).map(Array.init)
    let names = ["vocab.json", "merges.txt", "tokenizer_config.json"]
    try readTokenizer(Dictionary(uniqueKeysWithValues: zip(names, parts)), scratch)
  default: break
  }
}

/// Each step of the sampler must have a text, and the last span must end with the last step.
private func readPrompt(_ text: String, isNegative: Bool) throws {
  let steps = 20
  for syntax in PromptSyntax.allCases {
    guard let prompt = try? Prompt(text, syntax, isNegative: isNegative, steps: steps) else { continue }
    try require(!prompt.parts.isEmpty, "a prompt without a part")
    for part in prompt.parts {
      let ends = part.schedule.spans.map(\.lastStep)
      try require(ends.last == steps, "spans end at \(ends) of \(steps) steps")
      try require(zip(ends, ends.dropFirst()).allSatisfy(<), "spans end at \(ends)")
      try require(part.weight.isFinite, "a weight of \(part.weight)")
    }
  }
}

private func readTokenizer(_ files: [String: [UInt8]], _ scratch: URL) throws {
  let folder = scratch.appending(path: "tokenizer")
  try? FileManager.default.removeItem(at: folder)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  for (name, bytes) in files { try Data(bytes).write(to: folder.appending(path: name)) }
  guard let tokenizer = try? CLIPTokenizer(folder: folder) else { return }
  let text = "a (red:1.3) star 😀 é\u{301} \u{0}\u{FFFD}"
  let tokens = tokenizer(text)
  try require(tokens == tokenizer(text), "a text's tokens differ from call to call")
  _ = try? PromptChunk.chunks(of: text, tokenizer, length: 8, .a1111)
}
