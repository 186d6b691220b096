import Foundation

/// Why a safetensors file cannot be used.
public struct SafetensorsError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// The cause, apart from its wording.
  public enum Cause: Sendable, Equatable {
    case unreadable(String)
    case tooShort(bytes: Int)
    case headerTooLong(header: UInt64, file: Int)
    case malformedHeader
    case malformedEntry(key: String, what: String)
    case unsupportedType(key: String, type: String)
    case missingKey(String)
    case notFinite(key: String, index: Int, value: String)
  }

  /// The file, as the user named it.
  public let file: String
  /// What is wrong with it.
  public let cause: Cause

  /// One sentence for the user.
  public var description: String {
    let what =
      switch cause {
      case .unreadable(let reason): "cannot be read (\(reason))"
      case .tooShort(let bytes):
        "is not a safetensors file: it has \(bytes) bytes, fewer than the 8 of a header's length"
      case .headerTooLong(let header, let file):
        "is damaged or no safetensors file: its header claims \(header) bytes, the file has \(file)"
      case .malformedHeader:
        "is damaged or no safetensors file: its header is not the JSON object it should be"
      case .malformedEntry(let key, let what): "is damaged: the entry '\(key)' \(what)"
      case .unsupportedType(let key, let type):
        "holds '\(key)' as \(type), which cannot be read; convert it to F32, F16 or BF16"
      case .missingKey(let key): "has no tensor '\(key)'"
      case .notFinite(let key, let index, let value):
        "holds \(value) in '\(key)' (value \(index)): it is damaged, or its training had diverged; take an earlier copy"
      }
    return "\(file) \(what)."
  }

  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}
