/// A value of a configuration's JSON that is neither a list nor an object.
public enum ConfigValue: Codable, Sendable, Equatable {
  case null
  case bool(Bool)
  case number(Double)
  case text(String)

  /// Reads whichever it is.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else {
      self = .text(try container.decode(String.self))
    }
  }

  /// Writes it as it was; whole numbers without a point.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .number(let value):
      if let whole = Int(exactly: value) { try container.encode(whole) } else { try container.encode(value) }
    case .text(let value): try container.encode(value)
    }
  }
}

/// Any key of a JSON object.
public struct ConfigKey: CodingKey {
  /// Its name.
  public let stringValue: String
  /// None: objects have names.
  public let intValue: Int? = nil

  /// A key of this name.
  public init(stringValue: String) { self.stringValue = stringValue }
  /// None.
  public init?(intValue: Int) { nil }
}
