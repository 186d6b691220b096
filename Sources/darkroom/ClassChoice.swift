import Models
import Pipelines

/// Which classes a run draws.
struct ClassChoice {
  struct Labels {
    let indices: [Int]?
    let nullClass: Int?
    let names: [String]

    func name(_ picture: Int) -> String? {
      indices.flatMap { names.indices.contains($0[picture]) ? names[$0[picture]] : nil }
    }
  }

  let folder: ModelFolder

  init(_ folder: ModelFolder) { self.folder = folder }

  /// - Throws: `Failure` for a class that the model does not have.
  func labels(_ wanted: [String], count: Int, guided: Bool) throws -> Labels {
    let config = folder.config
    let name = folder.url.relativePath
    guard config.isClassConditional else {
      if !wanted.isEmpty { throw Failure("\(name) knows no classes; leave --class out.") }
      if guided { throw Failure("\(name) knows no classes to be guided to; leave --guidance-scale out.") }
      return Labels(indices: nil, nullClass: nil, names: [])
    }
    if config.classInput == .vector {
      throw Failure(
        "\(name) takes vectors for classes (class_embed_type identity), which cannot be given here.")
    }
    let names = folder.notes.classes ?? []
    let total = config.classEmbeddings
    if guided && folder.notes.nullClass == nil {
      throw Failure(
        "\(name) does not say which class stands for none, so there is nothing to guide away from; leave "
          + "--guidance-scale out.")
    }
    let known = names.isEmpty ? Array(0..<(total ?? 1)) : Array(names.indices)
    let chosen =
      try wanted.isEmpty
      ? known
      : wanted.map { text in
        if let index = names.firstIndex(of: text) { return index }
        if let index = Int(text), index >= 0, total.map({ index < $0 }) ?? true { return index }
        let list = names.isEmpty ? "numbers from 0 to \((total ?? 1) - 1)" : names.joined(separator: ", ")
        throw Failure("\(name) has no class '\(text)'; it has \(list).")
      }
    return Labels(
      indices: (0..<count).map { chosen[$0 % chosen.count] }, nullClass: folder.notes.nullClass, names: names)
  }
}
