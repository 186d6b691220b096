import Files
import TensorCore

/// A configuration that is a list of keys: absent ones take diffusers' defaults, and unknown ones are refused by name.
public protocol FieldedConfig: ModelConfig {
  /// diffusers' defaults.
  init()
  /// Its keys.
  static var fields: [ConfigField<Self>] { get }
  /// Keys that may be there and are not written.
  static var unwritten: Set<String> { get }
  /// Keys of other releases and other kinds, which pass where they ask for nothing (null or false) and are not written.
  static var unused: Set<String> { get }
  /// Keys of what cannot be done here, each with the value that asks for nothing, which is written, as diffusers does.
  static var inert: [String: ConfigValue] { get }
  /// Sets what follows from the keys that were read.
  mutating func completeReading()
}

extension FieldedConfig {
  /// None.
  public static var unwritten: Set<String> { [] }
  /// None.
  public static var unused: Set<String> { [] }
  /// None.
  public static var inert: [String: ConfigValue] { [:] }
  /// Nothing.
  public mutating func completeReading() {}

  /// - Throws: `ConfigError`, which names the key.
  public init(from decoder: any Decoder) throws {
    let fields = Self.fields
    let reader = try ConfigReader(
      decoder, keys: Set(fields.map(\.key)),
      known: "the known ones are those of diffusers' \(Self.className)", unused: Self.unused,
      inert: Self.inert
    ) { ConfigError($0) }
    self.init()
    for field in fields { try field.read(reader, &self) }
    completeReading()
  }

  /// Writes every key, as diffusers does.
  public func encode(to encoder: any Encoder) throws {
    try encodeOrigin(to: encoder)
    var values = encoder.container(keyedBy: ConfigKey.self)
    for (key, value) in Self.inert where !Self.unwritten.contains(key) {
      try values.encode(value, forKey: ConfigKey(stringValue: key))
    }
    for field in Self.fields where !Self.unwritten.contains(field.key) { try field.write(self, &values) }
  }
}

extension ConfigField {
  /// A height and a width, given as a pair or as one number for both, as which equal ones are written.
  static func size(_ key: String, _ path: Path<[Int]?>) -> Self {
    Self(key) {
      try $0.readSize(key, &$1[keyPath: path])
    } write: { config, values in
      let (size, name) = (config[keyPath: path], ConfigKey(stringValue: key))
      if let size, size[0] == size[1] {
        try values.encode(size[0], forKey: name)
      } else {
        try values.encode(size, forKey: name)
      }
    }
  }

  /// The name of an activation, one that diffusers' `get_activation` knows.
  static func activation(_ key: String, _ path: Path<Activation>) -> Self {
    let known: [String: Activation] = [
      "silu": .silu, "swish": .silu, "mish": .mish, "gelu": .gelu, "relu": .relu,
    ]
    return Self(key, path) { reader, config in
      var name: String?
      try reader.read(key, &name, "a name")
      guard let name else { return }
      guard let activation = known[name] else {
        throw ConfigError("has the unknown \(key) '\(name)'; silu, swish, mish, gelu and relu are known")
      }
      config[keyPath: path] = activation
    }
  }
}
