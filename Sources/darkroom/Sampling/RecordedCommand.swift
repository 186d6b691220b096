import ArgumentParser
import Foundation
import Pictures

/// A command whose pictures carry recipes, from which they can be made again.
protocol ReplayableCommand: ParsableCommand {
  /// Makes the command write the picture of a recipe, and as little else as can be.
  ///
  /// - Parameter file: the picture's place, of the original's ending.
  /// - Returns: the file that it will write.
  mutating func aim(at recipe: Recipe, _ file: URL) throws -> URL
}

/// The command that a picture's recipe names, ready to run again.
struct RecordedCommand {
  let recipe: Recipe
  /// As a shell takes it apart, `darkroom` the first.
  var words: [String]
  /// The picture, as it was named.
  let picture: String
  private let model: String?

  /// - Parameters:
  ///   - picture: the picture's name.
  ///   - model: the model's folder, where it is not where the recipe has it.
  /// - Throws: `Failure` for a recipe without a command.
  init(_ recipe: Recipe, of picture: String, model: String?) throws {
    guard let line = recipe.commandLine, let words = ShellWords.words(line), words.count > 1 else {
      throw Failure("\(picture) has a recipe without the command that made it, so it cannot be made again.")
    }
    (self.recipe, self.picture, self.model) = (recipe, picture, model)
    self.words = model.map { model in words.map { $0 == recipe.model ? model : $0 } } ?? words
  }

  /// The command's name, such as `sample`.
  var name: String { words[1] }

  /// Holds the files that the recipe names against those that are there.
  ///
  /// - Throws: `Failure` for what is gone or is another now.
  func checkFiles() throws { try RecipeFiles(recipe, model: model).check(picture) }

  /// Makes the picture, in a folder of its own.
  ///
  /// - Parameter url: what has the ending that the picture is to have.
  /// - Returns: the file.
  /// - Throws: `Failure`, or what the command throws.
  func run(in folder: URL, ending: String) throws -> URL {
    var parsed: any ParsableCommand
    do { parsed = try Darkroom.parseAsRoot(words.dropFirst() + ["--quiet"]) } catch {
      throw Failure(
        "\(picture): this version cannot run the command that made it ('\(ShellWords.line(words))'): "
          + UsageMessage(Darkroom.message(for: error), full: Darkroom.fullMessage(for: error)).sentence)
    }
    guard var command = parsed as? any ReplayableCommand else {
      throw Failure("\(picture) was made by '\(ShellWords.line(words))', which cannot be replayed.")
    }
    let made = try command.aim(at: recipe, folder.appending(path: "picture.\(ending)"))
    try command.run()
    return made
  }

  /// A folder for what a body makes, which is gone when it returns.
  static func inTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "darkroom-replay-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
  }
}
