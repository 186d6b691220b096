import ArgumentParser
import Files
import Foundation
import Pictures
import Pipelines
import TensorCore

/// `darkroom replay`: a picture made again from the recipe that it carries, and held against itself.
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Make a picture again from its recipe, and say whether it is identical.",
    discussion: """
      Every picture of Darkroom's carries the command that made it, its seed, and the hashes of the weights and files that \
      decided it. These are checked first; then the command runs again, for this picture alone where it is one of many, \
      and the pixels are compared. Paths are taken as they were typed, from the current folder; --model names a model that \
      has moved. A picture that differs is an exit code of 1.

      A picture of AUTOMATIC1111's web UI carries `parameters` instead (some workflows of ComfyUI write them too), which are \
      read as far as they go: prompts, steps, sampler, scale, seed and size. With --model and --output they are drawn, \
      and not compared: no two programs have the same noise.

      EXAMPLES
        darkroom replay star.png
        darkroom replay --dry-run star.png
        darkroom replay from-the-web.png --model stable-diffusion --output like-it.png
      """)

  @Argument(help: "The picture: PNG or JPEG.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
  var picture: String

  @Option(
    name: .shortAndLong, help: "Keep the picture that was made again: .png. (default: it is not kept)",
    completion: .file(extensions: ["png"]))
  var output: String?

  @Option(
    help: "The model's folder, where it is not where the recipe has it.", completion: .directory)
  var model: String?

  @Flag(help: "Print the command that made it, and run nothing.")
  var dryRun = false

  func run() throws {
    let url = try URL(argument: picture, "<picture>")
    let target = try output.map { try OutputKind($0, [.png]) }
    try target?.check()
    let original = try DecodedPicture(contentsOf: url)
    guard let recipe = try Recipe.find(in: original.texts, file: url.relativePath) else {
      return try draw(original.texts)
    }
    let command = try RecordedCommand(recipe, of: picture, model: model)
    if dryRun { return try Console.print(ShellWords.line(command.words)) }
    try command.checkFiles()
    // Where this machine lacks it, the picture may still come out identical; if not, `reason` says why.
    _ = recipe.arithmetic.flatMap(Processor.Arithmetic.init).map(Processor.use)

    Precision.current = recipe.precision.flatMap(Precision.init) ?? .f32
    let again = try RecordedCommand.inTemporaryFolder {
      try DecodedPicture(contentsOf: command.run(in: $0, ending: url.pathExtension)).picture
    }
    if let target { try again.write(to: target.url, texts: original.texts) }
    guard (again.width, again.height) == (original.picture.width, original.picture.height) else {
      throw Failure(
        "\(picture) is \(original.picture.width)x\(original.picture.height) and was made again as "
          + "\(again.width)x\(again.height): it was cut or resized after it was made.")
    }
    let difference = PictureDifference(original.picture, again)
    guard difference.most > 0 else { return try Console.print("\(picture): identical") }
    throw Failure(
      "\(picture) differs from what its recipe makes: by \(difference.most) of 255 at most, in "
        + "\(difference.differingPixels.counted("pixel")) of \(again.width * again.height); "
        + reason(recipe))
  }

  /// Why a picture may have come out otherwise, as far as its recipe tells.
  private func reason(_ recipe: Recipe) -> String {
    var reasons: [String] = []
    if recipe.version != DarkroomVersion.current {
      reasons.append("it was made by version \(recipe.version), this is \(DarkroomVersion.current)")
    }
    if let arithmetic = recipe.arithmetic, arithmetic != Processor.current.arithmetic.rawValue {
      reasons.append("it was summed as AMX does (split), which this processor lacks")
    }
    return reasons.isEmpty
      ? "weights, files and version are the same, so it was changed after it was made."
      : reasons.joined(separator: ", and ") + "."
  }

  /// What another program's `parameters` ask for, drawn here.
  private func draw(_ texts: [TextChunk]) throws {
    guard let chunk = texts.first(where: { $0.keyword == GenerationParameters.keyword }),
      case let parameters = GenerationParameters(text: chunk.text), !parameters.fields.isEmpty
    else {
      throw Failure(
        "\(picture) carries no recipe: neither Darkroom's nor another program's parameters. Programs that edit pictures "
          + "often drop them.")
    }
    let words =
      ["darkroom"] + parameters.sampleArguments(model: model ?? "<model>", output: output ?? "out.png")
    guard let model, output != nil, !dryRun else {
      Console.note(
        "\(picture) was made by another program; add --model and --output to draw what it asks for:")
      return try Console.print(ShellWords.line(words))
    }
    Console.note(
      "\(picture) was made by another program; drawn here with \(model): \(ShellWords.line(words))")
    var command = try Darkroom.parseAsRoot(Array(words.dropFirst()))
    try command.run()
  }
}

extension GenerationParameters {
  /// The arguments of `darkroom sample` that ask for the same, as far as there are words for it.
  func sampleArguments(model: String, output: String) -> [String] {
    var words = ["sample", model]
    if !prompt.isEmpty { words += ["--prompt", prompt] }
    if !negativePrompt.isEmpty { words += ["--negative-prompt", negativePrompt] }
    // The web UI splits a sampler from its schedule of noise levels since 1.9: "DPM++ 2M", "Karras".
    let schedule = self["Schedule type"].flatMap { ["Karras", "Exponential"].contains($0) ? " \($0)" : nil }
    if let sampler = self["Sampler"] { words += ["--sampler", sampler + (schedule ?? "")] }
    let options = [
      ("Steps", "--steps"), ("CFG scale", "--guidance-scale"), ("Seed", "--seed"), ("Size", "--size"),
      ("Class", "--class"), ("Variation seed", "--variation-seed"),
      ("Variation seed strength", "--variation-strength"), ("Hires upscale", "--upscale"),
      ("Hires steps", "--upscale-steps"),
    ]
    for (key, option) in options { if let value = self[key] { words += [option, value] } }
    if self["Hires upscale"] != nil {
      if let strength = self["Denoising strength"] { words += ["--upscale-strength", strength] }
      let isLatent = self["Hires upscaler"]?.hasPrefix("Latent") ?? true
      words += ["--upscale-mode", isLatent ? "latent" : "pixels"]
    }
    // The web UI counts the last layer too.
    if let skip = self["Clip skip"].flatMap({ Int($0) }), skip > 1 {
      words += ["--clip-skip", "\(skip - 1)"]
    }
    return words + ["--output", output]
  }
}
