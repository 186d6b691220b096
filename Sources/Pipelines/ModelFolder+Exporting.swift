import Files
import Foundation
import Models
import NN
import TensorCore

extension ModelFolder {
  /// Writes the model alone, without what a run keeps beside it, its weights in another form: each part in a folder of its own,
  /// weights in one file.
  ///
  /// - Throws: `FileError`, `SafetensorsError`, or `ModelFolderError` for a value that the form has no room for.
  public func export(to target: URL, as form: FloatForm) throws {
    for component in components {
      let folder = target.appending(path: component.place.name)
      try AtomicFile.makeFolder(folder)
      for name in try descriptions(component) {
        try AtomicFile.write(
          try Data(contentsOf: component.place.url.appending(path: name)), to: folder.appending(path: name))
      }
      guard let weights = component.weights, let file = weights.fileURLs.first?.lastPathComponent else {
        continue
      }
      // A shard's number and a variant's name follow it.
      let stem = file.prefix { $0 != "." && $0 != "-" }
      try Self.write(weights, as: form, to: folder.appending(path: "\(stem).safetensors"))
    }
    let files = [ModelNotes.fileName, PipelineIndex.fileName]
    for name in files where FileManager.default.fileExists(atPath: url.appending(path: name).path) {
      try AtomicFile.write(
        try Data(contentsOf: url.appending(path: name)), to: target.appending(path: name))
    }
    if !FileManager.default.fileExists(atPath: target.appending(path: PipelineIndex.fileName).path) {
      try AtomicFile.write(
        try JSONForm.encoder.encode(index), to: target.appending(path: PipelineIndex.fileName))
    }
  }

  /// The files of a part that hold no weights.
  private func descriptions(_ component: any ModelComponent) throws -> [String] {
    let place = component.place
    guard place.url.path != url.path else {
      return [place.name == SchedulerComponent.name ? "scheduler_config.json" : "config.json"]
    }
    return try FileManager.default.contentsOfDirectory(atPath: place.url.path).sorted().filter { name in
      [".json", ".txt"].contains { name.hasSuffix($0) } && !name.contains(".index.") && !name.hasPrefix(".")
    }
  }

  private static func write(_ weights: Checkpoint, as form: FloatForm, to url: URL) throws {
    let keys = weights.weightKeys
    let entries = keys.map { ($0, weights.shape($0) ?? []) }
    try SafetensorsWriter.write(entries, as: form, to: url) { place in
      let tensor = try weights.tensor(keys[place])
      if form == .f16, let large = tensor.values.first(where: { !Float16($0).isFinite }) {
        throw ModelFolderError(
          folder: weights.name,
          problem: "holds \(large) in '\(keys[place])', which f16 has no room for; use bf16 or f32")
      }
      return tensor
    }
  }
}
