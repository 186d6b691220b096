import Files
import Foundation
import Models
import NN
import Pipelines
import TensorCore

/// A finished model, of this program or of diffusers, whose weights a run begins with.
public struct StartingModel {
  /// The model.
  public let folder: ModelFolder
  /// Where it is.
  public var url: URL { folder.url }

  /// Opens a model's folder without loading its weights.
  ///
  /// - Throws: the errors of `ModelFolder`.
  public init(_ url: URL) throws { folder = try ModelFolder(url) }

  /// What tells its weights from others.
  ///
  /// - Throws: what reading them throws; `ModelFolderError` where there are none.
  public func hash() throws -> String {
    try folder.denoiserComponent.checkpoint.hash()
  }

  /// - Parameter classes: of the pictures; empty for none.
  /// - Throws: `ModelFolderError` for a U-Net that knows classes and would be trained without any.
  public func checkClasses(_ classes: [String]) throws {
    guard classes.isEmpty, folder.config.nullClass == nil, folder.config.isClassConditional else { return }
    throw refused("knows classes; add --classes folders to go on training it")
  }

  /// Writes the model's weights over those of a network of the same kind. A class that both know by name keeps its
  /// embedding, as does the one for none; the others stay as they were built.
  ///
  /// - Throws: `CheckpointError`, `SafetensorsError`, or `ModelFolderError` where a tensor has another shape.
  /// - Returns: what is to be said of the classes, as the end of a sentence.
  public func fill(_ network: ParameterStore, classes: [String], nullClass: Int?) throws -> String {
    let own = Dictionary(
      uniqueKeysWithValues: try folder.denoiser().parameters.parameters.map { ($0.key, $0.tensor) })
    let rows = rows(classes, nullClass)
    for (key, tensor) in network.parameters {
      if Self.isClassTable(key) {
        guard let source = own[key] else { continue }
        tensor.overwrite(with: Self.merged(tensor, source, rows))
      } else {
        guard let source = own[key], source.shape == tensor.shape else {
          throw refused(
            "cannot be gone on with: '\(key)' is \(own[key].map { "\($0.shape)" } ?? "missing") where this run needs "
              + "\(tensor.shape)")
        }
        tensor.overwrite(with: source)
      }
    }
    guard !classes.isEmpty else { return "" }
    let known = rows.filter { $0.to != nullClass }.count
    return ", which knows \(known) of the \(classes.count) classes"
  }

  /// Which row of the model's table of classes becomes which of the network's.
  private func rows(_ classes: [String], _ nullClass: Int?) -> [(from: Int, to: Int)] {
    let names = folder.notes.classes ?? []
    let shared = classes.enumerated().compactMap { to, name in
      names.firstIndex(of: name).map { (from: $0, to: to) }
    }
    guard let from = folder.notes.nullClass, let to = nullClass else { return shared }
    return shared + [(from: from, to: to)]
  }

  private static func isClassTable(_ key: String) -> Bool {
    key == "class_embedding.weight" || key.hasSuffix("class_embedder.embedding_table.weight")
  }

  private static func merged(_ fresh: Tensor, _ source: Tensor, _ rows: [(from: Int, to: Int)]) -> Tensor {
    let (count, width) = fresh.shape2
    guard source.shape.count == 2, source.shape[1] == width else { return fresh }
    let known = source.values
    var values = fresh.values
    for (from, to) in rows where from < source.shape[0] && to < count {
      values.replaceSubrange(to * width..<(to + 1) * width, with: known[from * width..<(from + 1) * width])
    }
    return Tensor(values, shape: fresh.shape)
  }

  private func refused(_ problem: String) -> ModelFolderError {
    ModelFolderError(folder: url.relativePath, problem: problem)
  }
}
