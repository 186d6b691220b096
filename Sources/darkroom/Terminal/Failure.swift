import ArgumentParser

/// What a run of the program ends with; the table in `darkroom --help`.
enum ExitStatus: Int32, CaseIterable {
  case success = 0
  case failure = 1
  case usage = 64
  case interrupted = 130
  case outputClosed = 141

  var meaning: String {
    switch self {
    case .success: "done"
    case .failure: "a file, a model, a picture or the machine did not allow it"
    case .usage: "the command line cannot be as it is: an option, or its value"
    case .interrupted: "stopped by Ctrl-C or a signal; what was finished is kept"
    case .outputClosed: "whoever read the output went away"
    }
  }

  /// All of them, a line each.
  static var table: String {
    allCases.map { status in
      let number = "\(status.rawValue)"
      return "  " + number.padding(to: 5) + status.meaning
    }.joined(separator: "\n")
  }
}

/// A failure of the command itself, worded for the person who gave it.
struct Failure: Error {
  let sentence: String
  let status: ExitStatus

  init(_ sentence: String, status: ExitStatus = .failure) {
    (self.sentence, self.status) = (sentence, status)
  }

  /// The command line cannot be, whatever files and models there are.
  static func usage(_ sentence: String) -> Failure { Failure(sentence, status: .usage) }
}

extension String {
  /// With spaces behind it, to `width` characters.
  func padding(to width: Int) -> String {
    self + String(repeating: " ", count: Swift.max(0, width - count))
  }
}
