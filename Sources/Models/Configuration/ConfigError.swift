import Foundation

/// Why a model's configuration cannot be used.
public struct ConfigError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// The file, where it came from one.
  public var file: String
  /// What is wrong, as the rest of a sentence.
  public let problem: String

  /// - Parameter problem: the rest of a sentence that begins with the file's name.
  public init(file: String = "the configuration", _ problem: String) {
    (self.file, self.problem) = (file, problem)
  }

  /// One sentence for the user.
  public var description: String { "\(file) \(problem)." }
  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}

/// - Throws: `ConfigError` unless `holds`.
func require(_ holds: Bool, _ problem: @autoclosure () -> String) throws(ConfigError) {
  if !holds { throw ConfigError(problem()) }
}
