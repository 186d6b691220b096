import Files

/// A value that a configuration gives once for all blocks, or in a list with one for each.
public enum PerBlock<Value: Codable & Sendable & Equatable>: Codable, Sendable, Equatable {
  case same(Value)
  case each([Value])

  /// Block `index`'s value.
  public subscript(_ index: Int) -> Value {
    switch self {
    case .same(let value): value
    case .each(let values): values[index]
    }
  }

  /// All that it gives.
  var values: [Value] {
    switch self {
    case .same(let value): [value]
    case .each(let values): values
    }
  }

  /// Whether there is a value for each of so many blocks.
  func serves(_ blocks: Int) -> Bool {
    switch self {
    case .same: true
    case .each(let values): values.count == blocks
    }
  }

  /// The same from the last block to the first.
  func reversed() -> PerBlock {
    switch self {
    case .same: self
    case .each(let values): .each(values.reversed())
    }
  }

  /// A value or a list of them.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    // A list first: where values may be lists themselves, one list is still one value a block.
    if let values = try? container.decode([Value].self) {
      self = .each(values)
    } else {
      self = .same(try container.decode(Value.self))
    }
  }

  /// As it was given.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .same(let value): try container.encode(value)
    case .each(let values): try container.encode(values)
    }
  }
}

extension PerBlock: ConfigForm where Value: ConfigForm {
  /// A value or a list of them.
  public static var form: String { Value.form + " or a list of them" }
}
