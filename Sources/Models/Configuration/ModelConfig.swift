import Files
import Foundation
import NN
import TensorCore

/// The configuration of a network: diffusers' `config.json` of one class.
public protocol ModelConfig: Codable, Sendable, Equatable {
  /// diffusers' name of the class.
  static var className: String { get }
  /// Whether a network can be built from these values and run; cheap, and before any weights are looked for.
  ///
  /// - Throws: `ConfigError`, which names the key or the layer.
  func validate() throws(ConfigError)
}

/// The form of JSON files: keys sorted, two spaces, the same bytes for the same values.
public enum JSONForm {
  /// An encoder of that form.
  public static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return encoder
  }
}

/// The release of diffusers whose form of files this program writes.
public let diffusersVersion = "0.42.1"

extension ModelConfig {
  /// Reads and validates a `config.json`.
  ///
  /// - Throws: `ConfigError`, naming the file.
  public init(contentsOf url: URL) throws {
    guard let data = try? Data(contentsOf: url) else {
      throw ConfigError(file: url.relativePath, "cannot be read")
    }
    do {
      self = try JSONDecoder().decode(Self.self, from: data)
      try validate()
    } catch var error as ConfigError {
      error.file = url.relativePath
      throw error
    } catch {
      throw ConfigError(file: url.relativePath, "is not JSON of a \(Self.className)'s configuration")
    }
  }

  /// As the text of a `config.json`.
  public func json() throws -> Data { try JSONForm.encoder.encode(self) }

  /// What sizes a layer can have is the layer's to say, so a network is built on no memory and asked.
  ///
  /// - Throws: `ConfigError`, which names the layer.
  func validateLayers(_ build: (ParameterStore) -> Void) throws(ConfigError) {
    let plan = ParameterStore(.plan)
    build(plan)
    if let first = plan.layoutErrors.first {
      throw ConfigError("gives the layer '\(first.layer)' \(first.problem)")
    }
  }

  /// Writes who made the file, as diffusers does.
  func encodeOrigin(to encoder: any Encoder) throws {
    var origin = encoder.container(keyedBy: OriginKey.self)
    try origin.encode(Self.className, forKey: .className)
    try origin.encode(diffusersVersion, forKey: .diffusersVersion)
  }
}

private enum OriginKey: String, CodingKey {
  case className = "_class_name"
  case diffusersVersion = "_diffusers_version"
}
