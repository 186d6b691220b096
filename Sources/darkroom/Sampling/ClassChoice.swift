import Models
import Pipelines

/// Which classes a run draws.
struct ClassChoice {
  /// The class of each picture.
  struct Labels {
    /// The classes that pictures go through in turn; none for a model that knows none.
    let cycle: [Int]
    /// The class that stands for none, where the model has one.
    let nullClass: Int?
    fileprivate let names: [String]

    /// The class of a picture by its number, whatever run it is made in.
    subscript(picture: Int) -> Int? { cycle.isEmpty ? nil : cycle[picture % cycle.count] }

    /// The classes of pictures by their numbers; nil for a model that knows none.
    subscript(pictures: Range<Int>) -> [Int]? {
      cycle.isEmpty ? nil : pictures.map { cycle[$0 % cycle.count] }
    }

    /// The name of a picture's class, where it has one.
    func name(_ picture: Int) -> String? {
      self[picture].flatMap { names.indices.contains($0) ? names[$0] : nil }
    }
  }

  let folder: ModelFolder

  init(_ folder: ModelFolder) { self.folder = folder }

  /// - Parameters:
  ///   - wanted: classes by name or number; all in turn where there are none.
  ///   - guided: whether the class is followed more than it is.
  /// - Throws: `Failure` for a class that the model does not have.
  func labels(_ wanted: [String], guided: Bool) throws -> Labels {
    let config = folder.config
    let name = folder.url.relativePath
    guard config.isClassConditional else {
      if !wanted.isEmpty { throw Failure("\(name) knows no classes; leave --class out.") }
      if guided { throw Failure("\(name) knows no classes to be guided to; leave --guidance-scale out.") }
      return Labels(cycle: [], nullClass: nil, names: [])
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
    let chosen = try wanted.isEmpty ? known : wanted.map { try index(of: $0) }
    return Labels(cycle: chosen, nullClass: folder.notes.nullClass, names: names)
  }

  /// A class by its name or number.
  ///
  /// - Throws: `Failure` for a class that the model does not have.
  func index(of text: String) throws -> Int {
    let names = folder.notes.classes ?? []
    let total = folder.config.classEmbeddings
    if let index = names.firstIndex(of: text) { return index }
    if let index = Int(text), index >= 0, total.map({ index < $0 }) ?? true { return index }
    let nearest = UsageMessage.nearest(text, in: names).map { "; '\($0)' is near" } ?? ""
    let list = names.isEmpty ? "numbers from 0 to \((total ?? 1) - 1)" : names.joined(separator: ", ")
    throw Failure("\(folder.url.relativePath) has no class '\(text)'\(nearest); it has \(list).")
  }
}
