import Foundation
import TensorCore

/// A model's weights on disk: one safetensors file, or shards with an index.
public struct Checkpoint {
  /// The file that holds each key.
  private let files: [String: SafetensorsFile]
  /// What the user would call it.
  public let name: String
  /// The files that it lies in, by name.
  public let fileURLs: [URL]

  /// Every key that it holds.
  public var keys: Set<String> { Set(files.keys) }

  /// The keys of what networks compute from, in order.
  public var weightKeys: [String] { files.keys.filter { !IgnorableKeys.contains($0) }.sorted() }

  /// Opens a single file.
  ///
  /// - Throws: `SafetensorsError`.
  public init(file url: URL) throws {
    let file = try SafetensorsFile(url)
    files = Dictionary(uniqueKeysWithValues: file.entries.keys.map { ($0, file) })
    name = url.relativePath
    fileURLs = [url]
  }

  /// Opens the weights of a folder: `<stem>.safetensors`, or else the shards that
  /// `<stem>.safetensors.index.json` lists; or else either in half precision, as diffusers names them.
  ///
  /// - Throws: `SafetensorsError`, or `CheckpointError` where there are none.
  public init(folder: URL, stem: String) throws {
    for variant in ["", ".fp16"] {
      let file = folder.appending(path: "\(stem)\(variant).safetensors")
      let index = folder.appending(path: "\(stem).safetensors.index\(variant).json")
      if FileManager.default.fileExists(atPath: file.path) {
        self = try Checkpoint(file: file)
        return
      }
      if FileManager.default.fileExists(atPath: index.path) {
        self = try Checkpoint(index: index)
        return
      }
    }
    let pickles = [".bin", ".bin.index.json", ".fp16.bin"].map { stem + $0 }
    throw CheckpointError.noWeights(
      folder: folder.relativePath, stem: stem,
      pickle: pickles.first { FileManager.default.fileExists(atPath: folder.appending(path: $0).path) })
  }

  private init(index: URL) throws {
    struct Index: Decodable { let weight_map: [String: String] }
    name = index.relativePath
    guard let data = try? Data(contentsOf: index),
      let parsed = try? JSONDecoder().decode(Index.self, from: data)
    else { throw CheckpointError.badIndex(file: name, problem: "is not an index of safetensors shards") }
    var shards: [String: SafetensorsFile] = [:]
    var files: [String: SafetensorsFile] = [:]
    // In order, so that the same damage gives the same sentence.
    for (key, shard) in parsed.weight_map.sorted(by: { $0.key < $1.key }) {
      guard !shard.contains("/") else {
        throw CheckpointError.badIndex(file: name, problem: "names the shard '\(shard)' outside its folder")
      }
      let file =
        try shards[shard] ?? SafetensorsFile(index.deletingLastPathComponent().appending(path: shard))
      guard file.entries[key] != nil else {
        throw CheckpointError.badIndex(file: name, problem: "looks for '\(key)' in \(shard), which lacks it")
      }
      shards[shard] = file
      files[key] = file
    }
    self.files = files
    fileURLs = shards.sorted { $0.key < $1.key }.map(\.value.url)
  }

  /// The shape of a tensor, or nil where there is none of that key.
  public func shape(_ key: String) -> [Int]? { files[key]?.entries[key]?.shape }

  /// The tensor of `key` as f32.
  ///
  /// - Throws: `SafetensorsError`.
  public func tensor(_ key: String) throws -> Tensor {
    guard let file = files[key] else {
      throw SafetensorsError(file: name, cause: .missingKey(key))
    }
    return try file.tensor(key)
  }

  /// The tensor of `key` for a network to compute with.
  ///
  /// - Throws: `SafetensorsError`, also where a value of it is not finite.
  func weight(_ key: String) throws -> Tensor {
    guard let file = files[key] else {
      throw SafetensorsError(file: name, cause: .missingKey(key))
    }
    return try file.weight(key)
  }
}

/// Why a model cannot be built from a checkpoint.
public enum CheckpointError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// The folder has no weights under that name; `pickle` is a file of PyTorch's that may hold them.
  case noWeights(folder: String, stem: String, pickle: String?)
  /// The index of a sharded checkpoint cannot be used; `problem` is the rest of a sentence after the file.
  case badIndex(file: String, problem: String)
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
    case .noWeights(let folder, let stem, nil):
      return "\(folder) holds no weights: \(stem).safetensors was expected."
    case .noWeights(let folder, let stem, let pickle?):
      return
        "\(folder) holds its weights as \(pickle), a pickle, which may run any code and is not read here; save them as "
        + "safetensors where Python is: import torch, safetensors.torch; safetensors.torch.save_file({k: v.contiguous() "
        + "for k, v in torch.load('\(pickle)', weights_only=True).items()}, '\(stem).safetensors')."
    case .badIndex(let file, let problem): return "\(file) \(problem)."
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
