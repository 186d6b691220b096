import ArgumentParser

/// A seed as a person gives it: a number, or `random` (or -1, as other programs have it) for one that is drawn now.
struct Seed: ExpressibleByArgument, Equatable {
  let value: UInt64
  /// Whether it was drawn, and not given; then it is told, so that the picture can be made again.
  let isDrawn: Bool

  init(_ value: UInt64, isDrawn: Bool = false) { (self.value, self.isDrawn) = (value, isDrawn) }

  init?(argument: String) {
    if ["random", "-1"].contains(argument.lowercased()) {
      // As many as other programs take.
      self.init(UInt64.random(in: 0..<1 << 32), isDrawn: true)
    } else if let value = UInt64(argument) {
      self.init(value)
    } else {
      return nil
    }
  }

  var defaultValueDescription: String { "\(value)" }

  /// Tells a seed that nobody knows yet.
  func announce() {
    if isDrawn { Console.note("seed \(value)") }
  }

  /// The command as a shell would take it again, for the same pictures.
  var command: String {
    isDrawn ? CommandLine.quoted(replacing: "--seed", with: "\(value)") : CommandLine.quoted()
  }
}
