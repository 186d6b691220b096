/// Reads the JSON object of a configuration key by key, so that it is the same for every kind of configuration:
/// absent keys leave the default that stands, and an unknown key or a value of another type is refused by name.
public struct ConfigReader {
  private let values: KeyedDecodingContainer<ConfigKey>
  private let failure: (_ problem: String) -> any Error

  /// Keys that begin with an underscore say who wrote the file, and pass.
  ///
  /// - Parameters:
  ///   - keys: the known keys.
  ///   - known: which these are, for whoever gave another: the end of a sentence, from "the known ones are …".
  ///   - unused: keys of other releases of the program, which pass where they ask for nothing (null or false).
  ///   - inert: keys of what cannot be done here, each with the value that asks for nothing, as null and false do.
  ///   - failure: makes the error of a problem, the rest of a sentence that begins with the file's name.
  /// - Throws: what `failure` makes, for an unknown key.
  public init(
    _ decoder: any Decoder, keys: Set<String>, known: String, unused: Set<String> = [],
    inert: [String: ConfigValue] = [:], failure: @escaping (_ problem: String) -> any Error
  ) throws {
    values = try decoder.container(keyedBy: ConfigKey.self)
    self.failure = failure
    for key in values.allKeys.sorted(by: { $0.stringValue < $1.stringValue })
    where !keys.contains(key.stringValue) && !key.stringValue.hasPrefix("_") {
      let name = key.stringValue
      guard unused.contains(name) || inert[name] != nil else {
        throw failure("has the unknown key '\(name)'; \(known)")
      }
      let value = try? values.decode(ConfigValue.self, forKey: key)
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
    values = try decoder.container(keyedBy: ConfigKey.self)
    self.failure = failure
  }

  /// Reads a value where its key is there, one that may be null into an optional.
  ///
  /// - Parameter form: what the value must be, as in "a whole number".
  public func read<T: Decodable>(_ key: String, _ target: inout T, _ form: String) throws {
    let name = ConfigKey(stringValue: key)
    guard values.contains(name) else { return }
    do { target = try values.decode(T.self, forKey: name) } catch { throw wrong(key, form) }
  }

  /// Reads a list of names, each one of a closed list.
  public func read<T: ClosedList>(_ key: String, _ target: inout [T]) throws {
    guard values.contains(ConfigKey(stringValue: key)) else { return }
    var names: [String] = []
    try read(key, &names, "a list of names, each \(Self.list(T.self))")
    target = try names.map { name in
      guard let value = T(rawValue: name) else {
        throw failure("has '\(name)' among its '\(key)', which is not \(Self.list(T.self))")
      }
      return value
    }
  }

  /// Reads a height and a width, given as a pair or as one number for both.
  public func readSize(_ key: String, _ target: inout [Int]?) throws {
    let form = "a whole number or a pair [height, width]"
    if let side = try? values.decode(Int.self, forKey: ConfigKey(stringValue: key)) {
      target = [side, side]
    } else {
      try read(key, &target, form)
    }
    guard let size = target else { return }
    guard size.count == 2, size.allSatisfy({ (1...65_536).contains($0) }) else { throw wrong(key, form) }
  }

  /// What a closed list of names has in it, for a sentence.
  public static func list<T: CaseIterable & RawRepresentable<String>>(_: T.Type) -> String {
    "one of " + T.allCases.map(\.rawValue).joined(separator: ", ")
  }

  private func wrong(_ key: String, _ form: String) -> any Error {
    // Names the value where it is one that a person can find again.
    var value = ""
    let name = ConfigKey(stringValue: key)
    if let text = try? values.decode(String.self, forKey: name) {
      value = " ('\(text)')"
    } else if let number = try? values.decode(Double.self, forKey: name) {
      value = " (\(Int(exactly: number).map { "\($0)" } ?? "\(number)"))"
    }
    return failure("has a value of '\(key)'\(value) that is not \(form)")
  }
}
