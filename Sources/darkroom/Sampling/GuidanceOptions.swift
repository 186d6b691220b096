import ArgumentParser
import Foundation
import Models
import Pictures
import Pipelines
import Schedulers
import TensorCore

/// How strongly, away from what, and when pictures are guided.
struct GuidanceOptions: ParsableArguments {
  @Option(
    name: [.customLong("guidance-scale"), .customLong("cfg-scale")],
    help:
      "How strongly the class or the prompt is followed: 1 is plain, more exaggerates it. (default: 1 for classes, 7.5 for prompts)"
  )
  var scale: Float?

  @Option(
    name: .customLong("guidance-rescale"),
    help: "How far, from 0 to 1, the contrast that guidance adds is taken back (Lin et al. 2023).")
  var rescale: Float = 0

  @Option(
    name: .customLong("guidance-start"),
    help: "The share of the steps, from 0 to 1, before guidance begins.")
  var start: Float = 0

  @Option(
    name: .customLong("guidance-end"),
    help: "The share of the steps, from 0 to 1, after which guidance ends.")
  var end: Float = 1

  @Option(
    name: .customLong("negative-class"),
    help: ArgumentHelp(
      "A class to be guided away from, by name or number; repeat it for several.",
      discussion: "It stands in place of no class, unless --negative-scale gives it a strength of its own."))
  var negativeClasses: [String] = []

  @Option(
    help:
      "How strongly --negative-class or --negative-prompt is avoided beside what --guidance-scale does, as a branch of its own."
  )
  var negativeScale: Float?

  @Flag(
    help:
      "With --negative-scale: avoid only what the negative class or prompt does not share with what is wanted."
  )
  var perpendicularNegative = false

  @Option(
    help:
      "The folder of a weaker model of the same pictures, which is guided away from in place of no class or prompt.",
    completion: .directory
  )
  var autoguidance: String?

  /// Whether anything is guided, of a model that is told classes.
  var isOn: Bool { isOn(at: scale ?? 1) }

  /// Whether anything is guided at a scale.
  func isOn(at scale: Float) -> Bool { scale != 1 || (negativeScale ?? 0) != 0 }

  /// Whether the prediction for no class is asked for.
  var needsNullClass: Bool {
    isOn && autoguidance == nil && (negativeClasses.isEmpty || negativeScale != nil)
  }

  /// The first option that is given and says more of guidance than its scale.
  var firstBesideScale: String? {
    [
      ("--negative-class", !negativeClasses.isEmpty), ("--autoguidance", autoguidance != nil),
      ("--guidance-rescale", rescale != 0), ("--guidance-start", start != 0), ("--guidance-end", end != 1),
      ("--negative-scale", negativeScale != nil),
    ].first { $0.1 }?.0
  }

  /// As they stand on a command line, what is as it is without being given left out.
  var words: [String] {
    let numbers: [(name: String, value: Float?)] = [
      ("--guidance-scale", scale), ("--guidance-rescale", rescale == 0 ? nil : rescale),
      ("--guidance-start", start == 0 ? nil : start), ("--guidance-end", end == 1 ? nil : end),
      ("--negative-scale", negativeScale),
    ]
    var words: [String] = []
    for (name, value) in numbers {
      if let value { words += [name, "\(value)"] }
    }
    for name in negativeClasses { words += ["--negative-class", name] }
    if perpendicularNegative { words.append("--perpendicular-negative") }
    if let autoguidance { words += ["--autoguidance", autoguidance] }
    return words
  }

  func validate() throws {
    guard [scale ?? 1, rescale, start, end, negativeScale ?? 0].allSatisfy(\.isFinite) else {
      throw ValidationError("--guidance-scale and its like must be numbers.")
    }
    if !(0...1).contains(rescale) { throw ValidationError("--guidance-rescale must be from 0 to 1.") }
    if !(0...1).contains(start) || !(0...1).contains(end) || start >= end {
      throw ValidationError(
        "--guidance-start and --guidance-end must be from 0 to 1, and the end after the start.")
    }
    if perpendicularNegative && negativeScale == nil {
      throw ValidationError("--perpendicular-negative goes with --negative-scale.")
    }
    if autoguidance != nil && !negativeClasses.isEmpty {
      throw ValidationError("--autoguidance and --negative-class exclude each other.")
    }
  }
}
