import Foundation

/// Why a tokenizer's folder cannot be used.
public struct TokenizerError: Error, Hashable, Sendable, CustomStringConvertible, LocalizedError {
  /// The file or the folder.
  public let file: String
  /// The line of the file, from 1, where one is to blame.
  public let line: Int?
  /// The rest of a sentence that begins with the file's name and the line.
  public let problem: String

  /// - Parameters:
  ///   - line: from 1; nil where no line is to blame.
  ///   - problem: the rest of a sentence that begins with the file's name and the line, without a full stop.
  public init(file: String, line: Int? = nil, problem: String) {
    (self.file, self.line, self.problem) = (file, line, problem)
  }

  /// One sentence for the user.
  public var description: String { "\(file)\(line.map { ", line \($0)," } ?? "") \(problem)." }
  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}
