import Foundation

/// A reader that is given bytes from anywhere. It may refuse them, but never crash, hang or take gigabytes, and what it reads
/// must not contradict itself.
///
/// libFuzzer makes inputs up (`scripts/fuzz.sh`), and tests give each reader those of `Tests/Fuzz/corpus`.
public enum FuzzedReader: String, CaseIterable, Sendable {
  case png, jpeg, safetensors, json, text

  /// Reads an input.
  ///
  /// - Parameter scratch: a folder for readers that want files.
  /// - Throws: `Contradiction`, never for what is refused.
  public func callAsFunction(_ input: [UInt8], scratch: URL) throws {
    switch self {
    case .png: try readPNG(input)
    case .jpeg: try readJPEG(input)
    case .safetensors: try readSafetensors(input, scratch)
    case .json: try readJSON(input, scratch)
    case .text: try readText(input, scratch)
    }
  }
}

/// What was read twice, or said of itself, and does not agree.
public struct Contradiction: Error, CustomStringConvertible {
  /// What it is, for the one who mends it.
  public let description: String
}

/// - Throws: `Contradiction` where it does not hold.
func require(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws {
  if !holds { throw Contradiction(description: otherwise()) }
}
