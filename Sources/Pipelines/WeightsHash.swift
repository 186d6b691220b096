import Files
import Foundation
import NN

extension Checkpoint {
  /// What tells one set of weights from another: the SHA-256 of the file, or of the hashes of its shards, a line each in the
  /// order of their names. Remembered for a file that has not changed.
  ///
  /// - Throws: what reading a file throws.
  public func hash() throws -> String {
    let hashes = try fileURLs.map { try HashCache().sha256(of: $0) }
    guard hashes.count > 1 else { return hashes.first ?? "" }
    var whole = SHA256()
    whole.update(Array(hashes.map { $0 + "\n" }.joined().utf8))
    return whole.finished()
  }
}

extension VAEFolder {
  /// What tells one VAE from another: the hash of its weights.
  ///
  /// - Throws: what reading a file throws.
  public func hash() throws -> String { try checkpoint.hash() }
}

extension ModelFolder {
  /// The hash of each part that has weights, by the part's name.
  ///
  /// - Throws: what reading a file throws.
  public func hashes() throws -> [String: String] {
    try components.reduce(into: [:]) { hashes, part in hashes[part.place.name] = try part.weights?.hash() }
  }
}
