import Foundation
import TensorCore

/// A model's weights on disk: one safetensors file, or shards with an index.
public struct Checkpoint {
  /// The file that holds each key.
  private let files: [String: SafetensorsFile]
  /// What the user would call it.
  public let name: String

  /// Every key that it holds.
  public var keys: Set<String> { Set(files.keys) }

  /// Opens a single file.
  ///
  /// - Throws: `SafetensorsError`.
  public init(file url: URL) throws {
    let file = try SafetensorsFile(url)
    files = Dictionary(uniqueKeysWithValues: file.entries.keys.map { ($0, file) })
    name = url.relativePath
  }

  /// Opens the weights `<stem>.safetensors`, `<stem>.fp16.safetensors` or `<stem>.safetensors.index.json` in
  /// a folder.
  ///
  /// - Throws: `SafetensorsError`, or `CheckpointError` where there are none.
  public init(folder: URL, stem: String) throws {
    for name in ["\(stem).safetensors", "\(stem).fp16.safetensors"] {
      let url = folder.appending(path: name)
      if FileManager.default.fileExists(atPath: url.path) {
        self = try Checkpoint(file: url)
        return
      }
    }
    let index = folder.appending(path: "\(stem).safetensors.index.json")
    guard FileManager.default.fileExists(atPath: index.path) else {
      throw CheckpointError.noWeights(folder: folder.relativePath, stem: stem)
    }
    struct Index: Decodable { let weight_map: [String: String] }
    guard let data = try? Data(contentsOf: index),
      let parsed = try? JSONDecoder().decode(Index.self, from: data)
    else { throw CheckpointError.badIndex(file: index.relativePath) }
    var shards: [String: SafetensorsFile] = [:]
    var files: [String: SafetensorsFile] = [:]
    for (key, shard) in parsed.weight_map {
      guard !shard.contains("/") else { throw CheckpointError.badIndex(file: index.relativePath) }
      let file = try shards[shard] ?? SafetensorsFile(folder.appending(path: shard))
      shards[shard] = file
      files[key] = file
    }
    self.files = files
    name = index.relativePath
  }

  /// The shape of a tensor, or nil where there is none of that key.
  func shape(_ key: String) -> [Int]? { files[key]?.entries[key]?.shape }

  /// The tensor of `key` as f32.
  ///
  /// - Throws: `SafetensorsError`.
  public func tensor(_ key: String) throws -> Tensor {
    guard let file = files[key] else {
      throw SafetensorsError(file: name, cause: .missingKey(key))
    }
    return try file.tensor(key)
  }
}

/// Why a model cannot be built from a checkpoint.
public enum CheckpointError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// The folder has no weights under that name.
  case noWeights(folder: String, stem: String)
  /// The index of a sharded checkpoint cannot be used.
  case badIndex(file: String)
  /// The checkpoint is of another model.
  case mismatch(file: String, missing: [String], surplus: [String], shapes: [ShapeMismatch])

  /// A tensor of another shape than the model's.
  public struct ShapeMismatch: Sendable, Equatable {
    let key: String
    let expected: [Int]
    let found: [Int]
  }

  /// One sentence for the user.
  public var description: String {
    switch self {
    case .noWeights(let folder, let stem):
      return
        "\(folder) holds no weights: \(stem).safetensors was expected (a .bin must be saved again as safetensors)."
    case .badIndex(let file): return "\(file) is not an index of safetensors shards."
    case .mismatch(let file, let missing, let surplus, let shapes):
      func listed(_ keys: [String]) -> String {
        keys.prefix(3).map { "'\($0)'" }.joined(separator: ", ")
          + (keys.count > 3 ? " and \(keys.count - 3) more" : "")
      }
      var parts: [String] = []
      if !missing.isEmpty { parts.append("lacks \(listed(missing))") }
      if !surplus.isEmpty { parts.append("holds \(listed(surplus)), which the model has no use for") }
      if let first = shapes.first {
        let more = shapes.count > 1 ? " (and \(shapes.count - 1) more shapes differ)" : ""
        parts.append("holds '\(first.key)' as \(first.found) where the model has \(first.expected)\(more)")
      }
      return "\(file) does not fit its config.json: it \(parts.joined(separator: "; it "))."
    }
  }

  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}
