import Foundation
import Pictures

/// Pictures, and for each the one that is to steer to it.
///
/// The pairs stand in `metadata.jsonl`, in lines of `file_name` and `conditioning_image` as the `datasets` library has them,
/// both relative to that file; or in two folders, in which both have the same path but for the ending.
public struct ControlPairs: Sendable {
  /// The pictures to be made; those that steer are not among them.
  public let pictures: ImageFolder
  private let conditions: [String: ImageFolder.Item]

  /// - Parameters:
  ///   - folder: the pictures, with those that steer among them where `metadata.jsonl` says which.
  ///   - conditions: the other folder; nil for what `metadata.jsonl` says.
  /// - Throws: `ControlPairsError` that names the pictures which nothing steers to; `ImageFolderError`.
  public init(_ folder: ImageFolder, conditions: ImageFolder?) throws {
    let (pairs, steering) =
      conditions.map { (Self.pairs(folder, $0), []) } ?? Self.pairs(ofMetadata: folder)
    pictures = folder.excluding(steering)
    self.conditions = pairs
    let alone = pictures.items.map(\.path).filter { pairs[$0] == nil }
    guard alone.isEmpty, !pictures.items.isEmpty else {
      let source =
        conditions.map { "\($0.root.relativePath) holds no picture of the same name" }
        ?? "metadata.jsonl names no conditioning_image that is there; name one, or give the folder of all with --conditions"
      let more = alone.count > 4 ? " and \(alone.count - 4) more" : ""
      throw ControlPairsError(
        file: folder.root.relativePath,
        problem: "has nothing that steers to \(alone.prefix(4).joined(separator: ", "))\(more): \(source)")
    }
  }

  /// What steers to each of some of the pictures, in their order.
  public func conditions(of pictures: ImageFolder) -> ImageFolder {
    ImageFolder(pictures, items: pictures.items.compactMap { conditions[$0.path] })
  }

  /// Whether each picture that steers is of its picture's size; both are opened.
  ///
  /// - Throws: `ControlPairsError` that names the first which is not, or `PictureError` for one that cannot be read.
  public func checkSizes(of pictures: ImageFolder) throws {
    let conditions = conditions(of: pictures)
    func inspected(_ folder: ImageFolder) throws -> [Inspection] {
      try Inspection.all(folder.items, options: DecodingOptions(), progress: nil).map { try $0.get() }
    }
    let (these, those) = (try inspected(pictures), try inspected(conditions))
    for (i, (picture, condition)) in zip(these, those).enumerated()
    where (picture.width, picture.height) != (condition.width, condition.height) {
      throw ControlPairsError(
        file: conditions.items[i].url.relativePath,
        problem: "is \(condition.width)x\(condition.height), and the picture that it steers to, "
          + "\(pictures.items[i].path), is \(picture.width)x\(picture.height); give both one size")
    }
  }

  private static func stem(_ path: String) -> String { (path as NSString).deletingPathExtension }

  private static func pairs(_ pictures: ImageFolder, _ conditions: ImageFolder) -> [String: ImageFolder.Item]
  {
    let byStem = Dictionary(conditions.items.map { (stem($0.path), $0) }) { first, _ in first }
    return pictures.items.reduce(into: [:]) { $0[$1.path] = byStem[stem($1.path)] }
  }

  /// A line of `metadata.jsonl`; other columns are for others, and what is wrong with lines is `ImageFolder`'s to say.
  private struct Line: Decodable {
    let file_name: String
    let conditioning_image: String
  }

  private static func pairs(
    ofMetadata folder: ImageFolder
  ) -> (pairs: [String: ImageFolder.Item], steering: Set<String>) {
    let items = Dictionary(uniqueKeysWithValues: folder.items.map { ($0.path, $0) })
    var (pairs, steering): ([String: ImageFolder.Item], Set<String>) = ([:], [])
    for path in folder.metadataFiles {
      let place = (path as NSString).deletingLastPathComponent
      func within(_ name: String) -> String {
        let name = name.hasPrefix("./") ? String(name.dropFirst(2)) : name
        return place.isEmpty ? name : "\(place)/\(name)"
      }
      let data = (try? Data(contentsOf: folder.root.appending(path: path))) ?? Data()
      for line in data.split(separator: 0x0A) {
        guard let line = try? JSONDecoder().decode(Line.self, from: Data(line)) else { continue }
        steering.insert(within(line.conditioning_image))
        pairs[within(line.file_name)] = items[within(line.conditioning_image)]
      }
    }
    return (pairs, steering)
  }
}

/// Why pictures and what steers to them make no pairs.
public struct ControlPairsError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// The folder or the picture.
  public let file: String
  /// The rest of a sentence that begins with it.
  public let problem: String

  /// One sentence for the user.
  public var description: String { "\(file) \(problem)." }
  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}
