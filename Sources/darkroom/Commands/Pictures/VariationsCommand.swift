import ArgumentParser
import Files
import Foundation
import Pictures
import Pipelines

/// `darkroom variations`: pictures near one that was made here.
struct VariationsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "variations",
    abstract: "Make pictures near one of Darkroom's, from its recipe.",
    discussion: """
      The command that made the picture runs again, its noise led part of the way to that of other seeds, one a \
      variation: a strength of 0.1 changes details, 0.5 much, and 1 makes the pictures of those seeds themselves. Each \
      variation of --separate carries a recipe of its own, which 'darkroom replay' and this command read again.

      EXAMPLES
        darkroom variations star.png --output near.png
        darkroom variations star.png --count 9 --variation-strength 0.15 --output near.png
        darkroom variations star.png --count 4 --variation-strength 1 --separate --output neighbour.png
      """)

  @Argument(
    help: "A picture that 'darkroom sample', 'img2img' or 'inpaint' made: PNG or JPEG.",
    completion: .file(extensions: ["png", "jpg", "jpeg"]))
  var picture: String

  @Option(
    name: .shortAndLong, help: "Where to write: .png or .jpg.",
    completion: .file(extensions: ["png", "jpg", "jpeg"]))
  var output: String

  @Option(name: [.long, .customShort("n")], help: "How many variations.")
  var count = 4

  @Option(help: "How far, from 0 to 1, the noise is led to the other seeds'.")
  var variationStrength: Float = 0.3

  @Option(
    help:
      "The seed that the first is led to; each other one is led to the next. (default: the one after the picture's)"
  )
  var variationSeed: UInt64?

  @Option(help: "The model's folder, where it is not where the recipe has it.", completion: .directory)
  var model: String?

  @OptionGroup var arrangement: ArrangementOptions

  @Flag(name: .shortAndLong, help: "Say nothing but what goes wrong.")
  var quiet = false

  /// The commands that take `--variation-seed`.
  private static let varied = ["sample", "img2img", "inpaint"]

  func validate() throws {
    try require((1...10_000).contains(count), "--count must be from 1 to 10000.")
    try require((0...1).contains(variationStrength), "--variation-strength must be from 0 to 1.")
  }

  func run() throws {
    Console.isQuiet = quiet
    let target = try OutputKind(picture: output)
    let url = try URL(argument: picture, "<picture>")
    let original = try DecodedPicture(contentsOf: url)
    guard let recipe = try Recipe.find(in: original.texts, file: url.relativePath) else {
      throw Failure(
        "\(picture) carries no recipe of Darkroom's; 'darkroom img2img' makes pictures of any picture.")
    }
    let command = try RecordedCommand(recipe, of: picture, model: model)
    guard Self.varied.contains(command.name) else {
      throw Failure("\(picture) was made by 'darkroom \(command.name)', of which there are no variations.")
    }
    // What 'inpaint' gives back has the size of what it was given.
    guard
      command.name == "inpaint"
        || (original.picture.width, original.picture.height) == (recipe.width, recipe.height)
    else {
      throw Failure(
        "\(picture) is a grid of pictures of \(recipe.width)x\(recipe.height), or was resized; make one of them alone with "
          + "--first-index and --count 1, and variations of that.")
    }
    try command.checkFiles()
    if recipe.variationSeed != nil {
      Console.note("\(picture) is a variation itself; these are variations of what that was one of")
    }

    let first = variationSeed ?? recipe.seed &+ 1
    var made: [Picture] = []
    let clock = Stopwatch()
    try RecordedCommand.inTemporaryFolder { folder in
      for number in 0..<count {
        Console.progress("variation \(number + 1) of \(count)")
        let place = arrangement.separate && count > 1 ? target.numbered(number) : target.url
        let variation = try Self.variation(
          of: command, towards: first &+ UInt64(number), variationStrength, to: place, in: folder)
        if arrangement.separate || count == 1 {
          try variation.picture.write(to: place, texts: variation.texts)
        } else {
          made.append(variation.picture)
        }
      }
    }
    Console.endTransient()
    if !made.isEmpty {
      let grid = Grid(columns: arrangement.columns, padding: arrangement.padding)
      try grid.compose(made, file: output)
        .write(to: target.url, texts: try gridRecipe(recipe, first, url).textChunks())
    }
    Console.note(
      "\(output): \(count.counted("variation")) towards seed \(first) and on, in \(Console.duration(clock.seconds))"
    )
  }

  /// One variation, with the texts of a picture that was sampled by itself.
  private static func variation(
    of command: RecordedCommand, towards seed: UInt64, _ strength: Float, to place: URL, in folder: URL
  ) throws -> DecodedPicture {
    var command = command
    command.words.set("--variation-seed", to: "\(seed)")
    command.words.set("--variation-strength", to: "\(strength)")
    command.words.set("--output", short: "-o", to: place.relativePath)
    let (words, isQuiet) = (CommandLine.recorded, Console.isQuiet)
    defer { (CommandLine.recorded, Console.isQuiet) = (words, isQuiet) }
    CommandLine.recorded = command.words
    return try DecodedPicture(contentsOf: command.run(in: folder, ending: "png"))
  }

  /// How the grid was made: the picture's own recipe, by this command.
  private func gridRecipe(_ recipe: Recipe, _ first: UInt64, _ url: URL) throws -> Recipe {
    var recipe = recipe
    (recipe.variationSeed, recipe.variationStrength) = (first, Double(variationStrength))
    recipe.inputs = (recipe.inputs ?? [:]).merging([picture: try SHA256.hex(of: url)]) { $1 }
    var words = CommandLine.recorded
    // Where the model is is said, so that a replay can be told where it has moved to.
    words.set("--model", to: model ?? recipe.model)
    recipe.model = model ?? recipe.model
    recipe.commandLine = ShellWords.line(words)
    return recipe
  }
}

extension VariationsCommand: ReplayableCommand {
  mutating func aim(at recipe: Recipe, _ file: URL) throws -> URL {
    output = file.path
    return file
  }
}
