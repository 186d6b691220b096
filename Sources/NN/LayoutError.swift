import Foundation

/// Why a layer cannot have the sizes that a configuration asks of it.
public struct LayoutError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// Its path, as in the checkpoint's keys.
  public let layer: String
  /// What it would have, such as "16 channels, which 7 groups do not divide".
  public let problem: String

  /// One sentence for the user.
  public var description: String { "the layer '\(layer)' would have \(problem)." }

  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}
