/// Reads the JSON object of a configuration key by key, so that it is the same for every kind of configuration:
/// absent keys leave the default that stands, and an unknown key or a value of another type is refused by name.
public struct ConfigReader<Key: CodingKey & CaseIterable & RawRepresentable> where Key.RawValue == String {
  private let values: KeyedDecodingContainer<Key>
  private let failure: (_ problem: String) -> any Error

  /// Keys that begin with an underscore say who wrote the file, and pass.
  ///
  /// - Parameters:
  ///   - known: which keys are known, for whoever gave another: the end of a sentence, from "the known ones are …".
  ///   - unused: keys of other releases of the program, which pass where they ask for nothing (null or false).
  ///   - inert: keys of what cannot be done here, each with the value that asks for nothing, as null and false do.
  ///   - others: keys that are another reader's.
  ///   - failure: makes the error of a problem, the rest of a sentence that begins with the file's name.
  /// - Throws: what `failure` makes, for an unknown key.
  public init(
    _ decoder: any Decoder, known: String, unused: Set<String> = [], inert: [String: ConfigValue] = [:],
    besides others: Set<String> = [],
    failure: @escaping (_ problem: String) -> any Error
  ) throws {
    values = try decoder.container(keyedBy: Key.self)
    self.failure = failure
    let keys = Set(Key.allCases.map(\.rawValue)).union(others)
    let all = try decoder.container(keyedBy: ConfigKey.self)
    for key in all.allKeys.sorted(by: { $0.stringValue < $1.stringValue })
    where !keys.contains(key.stringValue) && !key.stringValue.hasPrefix("_") {
      let name = key.stringValue
      guard unused.contains(name) || inert[name] != nil else {
        throw failure("has the unknown key '\(name)'; \(known)")
      }
      let value = try? all.decode(ConfigValue.self, forKey: key)
      guard value == .null || value == .bool(false) || (value != nil && value == inert[name]) else {
        throw failure("has a value of '\(name)', which cannot be used here")
      }
    }
  }

  /// Of a file of which only the known keys are looked at.
  ///
  /// - Parameter failure: makes the error of a problem, the rest of a sentence that begins with the file's name.
  public init(
    ignoringUnknownIn decoder: any Decoder, failure: @escaping (_ problem: String) -> any Error
  ) throws {
    values = try decoder.container(keyedBy: Key.self)
    self.failure = failure
  }

  /// Reads what must not be null.
  ///
  /// - Parameter form: what the value must be, as in "a whole number".
  public func read<T: Decodable>(_ key: Key, _ target: inout T, _ form: String) throws {
    guard values.contains(key) else { return }
    do { target = try values.decode(T.self, forKey: key) } catch { throw wrong(key, form) }
  }

  /// Reads what may be null.
  public func readOptional<T: Decodable>(_ key: Key, _ target: inout T?, _ form: String) throws {
    guard values.contains(key) else { return }
    do { target = try values.decodeIfPresent(T.self, forKey: key) } catch { throw wrong(key, form) }
  }

  /// Reads one of a closed list of names.
  public func read<T: Decodable & CaseIterable & RawRepresentable>(_ key: Key, _ target: inout T) throws
  where T.RawValue == String {
    try read(key, &target, list(T.self))
  }

  /// Reads a list of names, each one of a closed list.
  public func read<T: Decodable & CaseIterable & RawRepresentable>(_ key: Key, _ target: inout [T]) throws
  where T.RawValue == String {
    guard values.contains(key) else { return }
    guard let names = try? values.decode([String].self, forKey: key) else {
      throw wrong(key, "a list of names, each \(list(T.self))")
    }
    target = try names.map { name in
      guard let value = T(rawValue: name) else {
        throw failure("has '\(name)' among its '\(key.rawValue)', which is not \(list(T.self))")
      }
      return value
    }
  }

  /// Reads a height and a width, given as a pair or as one number for both.
  public func readSize(_ key: Key, _ target: inout [Int]?) throws {
    let form = "a whole number or a pair [height, width]"
    if let side = try? values.decodeIfPresent(Int.self, forKey: key) {
      target = [side, side]
    } else {
      try readOptional(key, &target, form)
    }
    guard let size = target else { return }
    guard size.count == 2, size.allSatisfy({ (1...65_536).contains($0) }) else { throw wrong(key, form) }
  }

  /// What a closed list of names has in it, for a sentence.
  public func list<T: CaseIterable & RawRepresentable>(_: T.Type) -> String where T.RawValue == String {
    "one of " + T.allCases.map(\.rawValue).joined(separator: ", ")
  }

  private func wrong(_ key: Key, _ form: String) -> any Error {
    // Names the value where it is one that a person can find again.
    var value = ""
    if let text = try? values.decode(String.self, forKey: key) {
      value = " ('\(text)')"
    } else if let number = try? values.decode(Double.self, forKey: key) {
      value = " (\(Int(exactly: number).map { "\($0)" } ?? "\(number)"))"
    }
    return failure("has a value of '\(key.rawValue)'\(value) that is not \(form)")
  }
}
