import ArgumentParser
import Foundation
import TensorCore

enum DarkroomVersion {
  static let current = "0.1.0"
}

/// Options of every command that computes.
struct ComputeOptions: ParsableArguments {
  @Option(help: "Threads to compute with. (default: one a core)")
  var threads: Int?

  func apply() throws {
    guard let threads else { return }
    guard (1...1024).contains(threads) else { throw Failure("--threads \(threads) must be from 1 to 1024.") }
    threadCount = threads
  }
}

struct Stopwatch {
  private let start = DispatchTime.now()
  var seconds: Double { Double(DispatchTime.now().uptimeNanoseconds - start.uptimeNanoseconds) / 1e9 }
}

extension CommandLine {
  /// The command as a shell would take it again.
  static var quoted: String {
    let plain = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-_./=,:+@%"))
    let words = ["darkroom"] + arguments.dropFirst()
    return words.map { word in
      !word.isEmpty && word.unicodeScalars.allSatisfy(plain.contains)
        ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }.joined(separator: " ")
  }
}
