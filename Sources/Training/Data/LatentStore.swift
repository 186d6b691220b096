import Files
import Foundation
import Models
import NN
import Pictures
import Pipelines
import TensorCore

/// The latents of all training pictures, and of their mirror images where those are asked for: encoded once, kept in memory,
/// and in a file that is good for this VAE, these pictures and this size alone.
public final class LatentStore: ExampleSource {
  private let latents: Tensor
  private let mirrored: Tensor?
  private let conditions: [Condition?]

  /// How many there are.
  public var count: Int { latents.shape[0] }
  /// Of one picture's latents.
  public var shape: [Int] { Array(latents.shape.dropFirst()) }
  /// Their deviation over all values: about 1 where the VAE's scaling factor fits these pictures.
  public let deviation: Float

  /// Reads the latents from `cache`, or encodes the pictures and writes them there.
  ///
  /// - Parameters:
  ///   - flips: whether mirror images are wanted too; they have latents of their own.
  ///   - hash: of the VAE's weights.
  ///   - progress: told how many pictures of how many are encoded.
  /// - Throws: `LatentCacheError` for a cache of another VAE or other pictures; `PictureError`; `FileError`.
  public init(
    _ pictures: PictureStore, _ codec: LatentSpace, hash: String, flips: Bool, cache: URL,
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws {
    let key = ["vae": hash, "pictures": pictures.fingerprint, "flips": "\(flips)"]
    conditions = (0..<pictures.count).map { pictures.condition($0, visit: nil) }
    if FileManager.default.fileExists(atPath: cache.path) {
      let file = try SafetensorsFile(cache)
      for (name, value) in key.sorted(by: { $0.key < $1.key }) where file.metadata[name] != value {
        throw LatentCacheError(file: cache.relativePath, what: name)
      }
      latents = try file.tensor("latents")
      mirrored = flips ? try file.tensor("mirrored") : nil
    } else {
      let total = pictures.count * (flips ? 2 : 1)
      func encoded(mirrored: Bool, from first: Int) throws -> Tensor {
        .stacked(
          try (0..<pictures.count).map { i in
            let planes = try pictures.planes(i, place: (0.5, 0.5), mirrored: mirrored)
            defer { progress(first + i + 1, total) }
            return codec.encoded(Tensor(planes, shape: [1] + pictures.shape)).ordered(.plain)
          })
      }
      latents = try encoded(mirrored: false, from: 0)
      mirrored = flips ? try encoded(mirrored: true, from: pictures.count) : nil
      try AtomicFile.makeFolder(cache.deletingLastPathComponent())
      try SafetensorsWriter.write(
        [("latents", latents)] + (mirrored.map { [("mirrored", $0)] } ?? []), metadata: key, to: cache)
    }
    let values = latents.values
    let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
    let variance = values.reduce(0) { $0 + pow(Double($1) - mean, 2) } / Double(values.count)
    deviation = Float(variance.squareRoot())
  }

  /// What a network is told of a picture.
  public func condition(_ index: Int, visit: UInt64?) -> Condition? { conditions[index] }

  /// One picture's latents.
  public func planes(_ index: Int, place: (x: Float, y: Float), mirrored wanted: Bool) throws -> [Float] {
    ((wanted ? mirrored : nil) ?? latents).rows(index..<index + 1).values
  }
}

/// A cache of latents that are not those of this run.
public struct LatentCacheError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// The cache.
  public let file: String
  let what: String

  /// One sentence for the user.
  public var description: String {
    let other =
      ["vae": "another VAE", "pictures": "other pictures or another size", "flips": "another --flip"][what]
      ?? what
    return "\(file) holds latents of \(other) than this run's; delete it to encode the pictures anew."
  }
  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}
