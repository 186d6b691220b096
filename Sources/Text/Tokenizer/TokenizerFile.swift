import Foundation

/// Reading the JSON files of a tokenizer's folder.
enum TokenizerFile {
  static func exists(_ url: URL) -> Bool { FileManager.default.fileExists(atPath: url.path) }

  static func data(_ url: URL) throws -> Data {
    do { return try Data(contentsOf: url) } catch {
      throw TokenizerError(
        file: url.relativePath,
        problem: exists(url) ? "cannot be read" : "does not exist; a tokenizer needs it")
    }
  }

  /// - Parameter form: what the file must be, as in "the description of a tokenizer".
  /// - Throws: `TokenizerError`, with the line where JSON itself is broken.
  static func decode<T: Decodable>(_: T.Type, _ url: URL, _ form: String) throws -> T {
    let data = try data(url)
    do { return try JSONDecoder().decode(T.self, from: data) } catch let error as DecodingError {
      switch error {
      case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context):
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        var missing: String?
        if case .keyNotFound(let key, _) = error { missing = key.stringValue }
        let where_ = path.isEmpty ? "" : " at '\(path)'"
        throw TokenizerError(
          file: url.relativePath,
          problem: missing.map { "is not \(form): it lacks '\($0)'\(where_)" }
            ?? "is not \(form): the value\(where_) is of another type")
      case .dataCorrupted(let context) where !context.codingPath.isEmpty:
        throw TokenizerError(file: url.relativePath, problem: "is not \(form): \(context.debugDescription)")
      default:
        throw TokenizerError(file: url.relativePath, line: brokenLine(data), problem: "is not valid JSON")
      }
    }
  }

  /// The line of the first byte that JSON cannot have, from 1.
  private static func brokenLine(_ data: Data) -> Int {
    let broken: Int
    do {
      _ = try JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed)
      return 1
    } catch {
      // "Invalid value around character 16."; without a number, the file ends too soon.
      let text = (error as NSError).userInfo["NSDebugDescription"] as? String ?? ""
      broken = text.split { !$0.isNumber }.last.flatMap { Int($0) } ?? data.count
    }
    return 1 + data.prefix(broken).count { $0 == UInt8(ascii: "\n") }
  }
}
