import Files
import Foundation
import Pictures
import Pipelines

/// The weights and files that a recipe names, held against those that are there.
struct RecipeFiles {
  private let recipe: Recipe
  private let model: String

  init(_ recipe: Recipe, model: String?) { (self.recipe, self.model) = (recipe, model ?? recipe.model) }

  /// - Throws: `Failure` for what is gone or is another now.
  func check(_ picture: String) throws {
    let url = try URL(argument: model, "--model")
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw Failure("\(picture) was made with \(model), which is not there; --model names where it is now.")
    }
    let now = try ModelFolder(url).hashes()
    for (part, hash) in (recipe.parts ?? [:]).sorted(by: { $0.key < $1.key }) {
      guard let found = now[part] else {
        throw Failure("\(picture) was made with a \(part) that \(model) lacks.")
      }
      try compare(hash, found, "\(part) of \(model)", picture)
    }
    if let weak = recipe.autoguidance, let hash = recipe.autoguidanceHash {
      let found = try ModelFolder(URL(argument: weak, "--autoguidance")).denoiserComponent.checkpoint.hash()
      try compare(hash, found, "weaker model \(weak)", picture)
    }
    for (path, hash) in (recipe.inputs ?? [:]).sorted(by: { $0.key < $1.key }) {
      let file = try URL(argument: path, "an input")
      guard FileManager.default.fileExists(atPath: file.path) else {
        throw Failure("\(picture) was made with \(path), which is not there.")
      }
      try compare(hash, try HashCache().sha256(of: file), path, picture)
    }
  }

  private func compare(_ then: String, _ now: String, _ what: String, _ picture: String) throws {
    guard then != now else { return }
    throw Failure(
      "\(picture) cannot be made again: the \(what) has changed since (SHA-256 \(then.prefix(10))… then, "
        + "\(now.prefix(10))… now).")
  }
}
