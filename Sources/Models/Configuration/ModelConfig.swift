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

  /// Writes keys of what cannot be done here with the values that ask for nothing, as diffusers does.
  func encodeInert(_ values: [String: ConfigValue], to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: ConfigKey.self)
    for (key, value) in values { try container.encode(value, forKey: ConfigKey(stringValue: key)) }
  }
}

private enum OriginKey: String, CodingKey {
  case className = "_class_name"
  case diffusersVersion = "_diffusers_version"
}

extension ConfigReader {
  /// A reader of a model's configuration.
  init<Config: ModelConfig>(
    _ decoder: any Decoder, of _: Config.Type, unused: Set<String> = [], inert: [String: ConfigValue] = [:],
    besides: Set<String> = []
  ) throws {
    try self.init(
      decoder, known: "the known ones are those of diffusers' \(Config.className)", unused: unused,
      inert: inert, besides: besides
    ) { ConfigError($0) }
  }

  /// Reads the name of an activation, one that diffusers' `get_activation` knows.
  func readActivation(_ key: Key, _ target: inout Activation) throws {
    let known: [String: Activation] = [
      "silu": .silu, "swish": .silu, "mish": .mish, "gelu": .gelu, "relu": .relu,
    ]
    var name: String?
    try readOptional(key, &name, "a name")
    guard let name else { return }
    guard let activation = known[name] else {
      throw ConfigError("has the unknown act_fn '\(name)'; silu, swish, mish, gelu and relu are known")
    }
    target = activation
  }
}

extension KeyedEncodingContainer {
  /// Writes a height and a width as diffusers does: one number where they are equal.
  mutating func encodeSize(_ size: [Int]?, forKey key: Key) throws {
    if let size, size[0] == size[1] {
      try encode(size[0], forKey: key)
    } else {
      try encode(size, forKey: key)
    }
  }
}
