/// One key of a configuration: its name in the JSON, how it is read into the configuration, and how it is written.
public struct ConfigField<Config>: Sendable {
  /// Where the value stands in the configuration.
  public typealias Path<Value> = WritableKeyPath<Config, Value> & Sendable
  /// Reads the value where the key is there.
  public typealias Read = @Sendable (ConfigReader, inout Config) throws -> Void
  /// Writes the value.
  public typealias Write = @Sendable (Config, inout KeyedEncodingContainer<ConfigKey>) throws -> Void

  /// Its name in the JSON.
  public let key: String
  /// Reads the value where the key is there; what stands is left where it is not.
  public let read: Read
  /// Writes the value.
  public let write: Write

  /// A key that is read and written in a way of its own.
  public init(_ key: String, read: @escaping Read, write: @escaping Write) {
    (self.key, self.read, self.write) = (key, read, write)
  }

  /// A value that is read in a way of its own, and written as it stands.
  public init<Value: Encodable & Sendable>(_ key: String, _ path: Path<Value>, read: @escaping Read) {
    self.init(key, read: read) { try $1.encode($0[keyPath: path], forKey: ConfigKey(stringValue: key)) }
  }

  /// A number, a truth or a list of numbers, or null where it may be nil.
  public static func value<Value: ConfigForm>(_ key: String, _ path: Path<Value>) -> Self {
    value(key, path, Value.form)
  }

  /// A value whose form takes words of its own, as in "a whole number or a list of them".
  public static func value<Value: Codable & Sendable>(_ key: String, _ path: Path<Value>, _ form: String)
    -> Self
  {
    Self(key, path) { try $0.read(key, &$1[keyPath: path], form) }
  }

  /// One of a closed list of names.
  public static func name<Value: ClosedList>(_ key: String, _ path: Path<Value>) -> Self {
    value(key, path, ConfigReader.list(Value.self))
  }

  /// One of a closed list of names, or null.
  public static func name<Value: ClosedList>(_ key: String, _ path: Path<Value?>) -> Self {
    value(key, path, "null or " + ConfigReader.list(Value.self))
  }

  /// A list of names, each one of a closed list.
  public static func names<Value: ClosedList>(_ key: String, _ path: Path<[Value]>) -> Self {
    Self(key, path) { try $0.read(key, &$1[keyPath: path]) }
  }

  /// The same key in a configuration that holds this one.
  public func lifted<Outer>(to part: ConfigField<Outer>.Path<Config>) -> ConfigField<Outer> {
    ConfigField<Outer>(
      key, read: { try read($0, &$1[keyPath: part]) }, write: { try write($0[keyPath: part], &$1) })
  }
}

/// A value whose form a sentence can name.
public protocol ConfigForm: Codable, Sendable {
  /// What it must be, as in "a whole number".
  static var form: String { get }
}

extension Int: ConfigForm {
  /// Without a fraction.
  public static var form: String { "a whole number" }
}

extension Float: ConfigForm {
  /// With or without a fraction.
  public static var form: String { "a number" }
}

extension Bool: ConfigForm {
  /// JSON's two.
  public static var form: String { "true or false" }
}

extension Optional: ConfigForm where Wrapped: ConfigForm {
  /// The value's, or null.
  public static var form: String { Wrapped.form + " or null" }
}

extension [Int]: ConfigForm {
  /// Whole numbers.
  public static var form: String { "a list of whole numbers" }
}

/// Names of which there are no others.
public typealias ClosedList = CaseIterable & Codable & RawRepresentable<String> & Sendable
