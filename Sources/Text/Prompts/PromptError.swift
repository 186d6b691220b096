import Foundation

/// Why a prompt cannot be understood.
public enum PromptError: Error, Hashable, Sendable, CustomStringConvertible, LocalizedError {
  /// What stands for a weight in `(word:weight)` is no number.
  case weight(String)

  /// One sentence for the user.
  public var description: String {
    switch self {
    case .weight(let text):
      "The prompt gives the weight '\(text)', which is not a number; a weight is written (word:1.3)."
    }
  }

  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}
