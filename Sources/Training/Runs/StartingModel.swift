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

  /// What tells its weights from others: the denoiser's, and those of its text encoders.
  ///
  /// - Throws: what reading them throws; `ModelFolderError` where there are none.
  public func hash() throws -> String {
    let encoders = folder.text?.encoders.map(\.encoder.checkpoint) ?? []
    return try ([folder.denoiserComponent.checkpoint] + encoders).map { try $0.hash() }.joined(separator: "+")
  }

  /// - Parameter classes: of the pictures; empty for none.
  /// - Throws: `ModelFolderError` for a U-Net that knows classes and would be trained without any.
  public func checkClasses(_ classes: [String]) throws {
    guard classes.isEmpty, folder.config.nullClass == nil, folder.config.isClassConditional else { return }
    throw refused("knows classes; add --classes folders to go on training it")
  }

  /// Writes the model's weights over those of a network of the same kind, its text encoder's too where that learns with it. A
  /// class that both know by name keeps its embedding, as does the one for none; the others stay as they were built.
  ///
  /// - Throws: `CheckpointError`, `SafetensorsError`, or `ModelFolderError` where a tensor has another shape.
  /// - Returns: what is to be said of the classes, as the end of a sentence.
  public func fill(_ network: any Denoiser, classes: [String], nullClass: Int?) throws -> String {
    if let joined = network as? TextDenoiser, let encoder = folder.text?.encoders.first?.encoder {
      try overwrite(joined.encoder.parameters, with: try encoder.encoder().parameters)
      return try fill(joined.denoiser, classes: classes, nullClass: nullClass)
    }
    let rows = rows(classes, nullClass)
    try overwrite(network.parameters, with: try folder.denoiser().parameters) { key, fresh, source in
      Self.isClassTable(key) ? source.map { Self.merged(fresh, $0, rows) } ?? fresh : nil
    }
    guard !classes.isEmpty else { return "" }
    let known = rows.filter { $0.to != nullClass }.count
    return ", which knows \(known) of the \(classes.count) classes"
  }

  /// - Parameter special: what a tensor becomes that is not simply the model's; nil for one that is.
  private func overwrite(
    _ network: ParameterStore, with model: ParameterStore,
    special: (_ key: String, _ fresh: Tensor, _ source: Tensor?) -> Tensor? = { _, _, _ in nil }
  ) throws {
    let own = Dictionary(uniqueKeysWithValues: model.parameters.map { ($0.key, $0.tensor) })
    for (key, tensor) in network.parameters {
      if let value = special(key, tensor, own[key]) {
        tensor.overwrite(with: value)
        continue
      }
      try tensor.begin(with: own[key], as: key, of: url)
    }
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

/// A finished autoencoder, of this program or of diffusers, whose weights a run begins with.
public struct StartingAutoencoder {
  private let folder: VAEFolder
  /// Where it is.
  public var url: URL { folder.url }
  /// Its network.
  public var config: AutoencoderKLConfig { folder.config }

  /// Opens its folder, or that of a pipeline with one, without loading weights.
  ///
  /// - Throws: the errors of `VAEFolder`.
  public init(_ url: URL) throws { folder = try VAEFolder(url) }

  /// What tells its weights from others.
  ///
  /// - Throws: what reading them throws.
  public func hash() throws -> String { try folder.checkpoint.hash() }

  /// Writes its weights over those of a network of the same configuration.
  ///
  /// - Throws: `CheckpointError`, `SafetensorsError`, or `ModelFolderError` where a tensor has another shape.
  public func fill(_ network: ParameterStore) throws {
    let own = Dictionary(
      uniqueKeysWithValues: try folder.vae().parameters.parameters.map { ($0.key, $0.tensor) })
    for (key, tensor) in network.parameters { try tensor.begin(with: own[key], as: key, of: url) }
  }
}

extension Tensor {
  /// Takes over the weight that a run begins with.
  ///
  /// - Throws: `ModelFolderError` where there is none of this shape.
  fileprivate func begin(with source: Tensor?, as key: String, of model: URL) throws(ModelFolderError) {
    guard let source, source.shape == shape else {
      throw ModelFolderError(
        folder: model.relativePath,
        problem:
          "cannot be gone on with: '\(key)' is \(source.map { "\($0.shape)" } ?? "missing") where this run needs "
          + "\(shape)")
    }
    overwrite(with: source)
  }
}
