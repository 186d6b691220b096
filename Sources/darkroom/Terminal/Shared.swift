import ArgumentParser
import Foundation
import TensorCore
import Training

enum DarkroomVersion {
  static let current = "0.1.0"
}

/// Options of every command that computes.
struct ComputeOptions: ParsableArguments {
  @Option(help: "Threads to compute with. (default: one a core)")
  var threads: Int?

  @Option(
    help:
      "How sums are taken: fma, with the same bytes on every processor, or split, AMX's. (default: split where there is AMX)"
  )
  var arithmetic: Processor.Arithmetic?

  @Option(
    help:
      "What products are computed in: f32, or bf16 with sums in f32: faster where AVX-512 or AMX multiply bf16, slower elsewhere. (default: f32)"
  )
  var precision: Precision?

  @Flag(name: .shortAndLong, help: "Say nothing but what goes wrong.")
  var quiet = false

  func apply() throws {
    Console.isQuiet = quiet
    if let arithmetic, !Processor.use(arithmetic) {
      throw Failure.usage("--arithmetic \(arithmetic.rawValue) needs AMX, which this processor lacks.")
    }
    if let precision { Precision.current = precision }
    guard let threads else { return }
    let most = TrainingOptions.mostThreads
    guard (1...most).contains(threads) else {
      throw Failure.usage("--threads \(threads) must be from 1 to \(most).")
    }
    threadCount = threads
  }
}

struct Stopwatch {
  private let start = DispatchTime.now()
  var seconds: Double { Double(DispatchTime.now().uptimeNanoseconds - start.uptimeNanoseconds) / 1e9 }
}

extension CommandLine {
  /// The command as recipes have it: what was typed, unless one command runs another. Set by the one thread that runs
  /// commands.
  nonisolated(unsafe) static var recorded = ["darkroom"] + arguments.dropFirst()

  /// The command as a shell would take it again.
  ///
  /// - Parameters:
  ///   - option: an option whose value is another than was typed.
  ///   - value: that value.
  static func quoted(replacing option: String? = nil, with value: String = "") -> String {
    var words = recorded
    for i in words.indices where words[i] == option && i + 1 < words.count { words[i + 1] = value }
    if let option {
      words = words.map { $0.hasPrefix("\(option)=") ? "\(option)=\(value)" : $0 }
    }
    return ShellWords.line(words)
  }
}

extension String {
  /// The numbers of a list with commas between.
  ///
  /// - Throws: `Failure`, which names the option.
  func numbers<T: LosslessStringConvertible>(_ option: String) throws -> [T] {
    try split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let number = T(part.trimmingCharacters(in: .whitespaces)) else {
        throw Failure.usage("\(option) \(self) is not a list of numbers with commas between them.")
      }
      return number
    }
  }
}

extension Processor.Arithmetic: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
