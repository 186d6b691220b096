import ArgumentParser
import Foundation
import Models
import Pictures
import Pipelines
import TensorCore
import Training

/// `darkroom evaluate classify`: pictures to the classes that a classifier takes them for.
struct ClassifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "classify",
    abstract: "What a classifier takes pictures for, and how often it is right where that is known.",
    discussion: """
      A line a picture: its file, the likeliest class and that class's probability, with tabs between; then how many pictures each class \
      has. With --classes folders, whose sub-folders are named as the classifier's classes, the accuracy too. Pictures are \
      brought to the classifier's size and shown without noise.

      EXAMPLES
        darkroom evaluate classify judge stars/*.png
        darkroom evaluate classify judge photos --classes folders --summary
      """)

  @Argument(help: "The folder of a classifier.", completion: .directory)
  var classifier: String

  @Argument(help: "PNG and JPEG pictures, or folders of them.", completion: .file())
  var images: [String]

  @Option(
    help:
      "Where a picture's true class comes from: none, or folders (sub-folders, by the classifier's names).")
  var classes = ImageFolder.Classes.none

  @Flag(help: "Leave out the lines of single pictures.")
  var summary = false

  @Flag(help: "Print JSON.")
  var json = false

  @Option(help: "Pictures at a time; changes nothing in the result.")
  var batchSize = 64

  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    try require((1...65_536).contains(batchSize), "--batch-size must be from 1 to 65536.")
  }

  func run() throws {
    try compute.apply()
    let folder = try ClassifierFolder(URL(argument: classifier, "<classifier>"))
    guard folder.config.unet.inChannels == 3, let size = folder.size else {
      throw Failure("\(classifier) is no classifier of coloured pictures of a known size (sample_size).")
    }
    let items = try images.flatMap { try listed($0, folder) }
    let network = try folder.classifier()
    var judged: [ClassifyReport.Picture] = []
    for first in stride(from: 0, to: items.count, by: batchSize) {
      let part = items[first..<min(first + batchSize, items.count)]
      let planes = try part.flatMap { item in
        try DecodedPicture(contentsOf: item.url).picture.resizedToFill(width: size.width, height: size.height)
          .planarFloats()
      }
      let x = Tensor(planes, shape: [part.count, 3, size.height, size.width])
      let rows = network.probabilities(x, timesteps: part.map { _ in 0 })
      for (item, row) in zip(part, rows) {
        let likeliest = row.indices.max { row[$0] < row[$1] } ?? 0
        judged.append(
          .init(
            file: item.name, class: folder.classes[likeliest], probability: row[likeliest],
            expected: item.label))
      }
      Console.progress("picture \(judged.count)/\(items.count)")
    }
    Console.endTransient()
    let report = ClassifyReport(judged, classes: folder.classes)
    try Console.print(json ? try report.json(summary: summary) : report.text(summary: summary))
  }

  private func listed(
    _ argument: String, _ folder: ClassifierFolder
  ) throws -> [(name: String, url: URL, label: String?)] {
    let url = try URL(argument: argument, "<images>")
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), isFolder.boolValue else {
      guard classes == .none else {
        throw Failure("\(argument) is no folder; --classes folders needs one whose sub-folders are classes.")
      }
      return [(argument, url, nil)]
    }
    let pictures = try ImageFolder(url, classes: classes)
    for name in pictures.classes where !folder.classes.contains(name) {
      let nearest = UsageMessage.nearest(name, in: folder.classes).map { "; '\($0)' is near" } ?? ""
      throw Failure(
        "\(classifier) knows no class '\(name)', a folder of \(argument)\(nearest); it knows "
          + folder.classes.joined(separator: ", ") + ".")
    }
    let root = argument.hasSuffix("/") ? argument : argument + "/"
    return pictures.items.map { item in
      (root + item.path, item.url, item.classIndex.map { pictures.classes[$0] })
    }
  }
}

/// What pictures were taken for.
struct ClassifyReport {
  struct Picture: Encodable {
    let file: String
    /// The likeliest, and its probability.
    let `class`: String, probability: Float
    /// The true one, where it is known.
    let expected: String?
  }

  struct ClassCount: Encodable {
    let name: String
    /// How many pictures were taken for it.
    let taken: Int
    /// How many are of it, and how many of those were taken for it; nil where that is not known.
    let pictures: Int?, right: Int?
  }

  private let pictures: [Picture]
  private let counts: [ClassCount]
  /// The share of pictures that were taken for what they are; nil where that is not known.
  private let accuracy: Double?

  init(_ pictures: [Picture], classes: [String]) {
    self.pictures = pictures
    let isKnown = pictures.contains { $0.expected != nil }
    counts = classes.map { name in
      let own = pictures.filter { $0.expected == name }
      return ClassCount(
        name: name, taken: pictures.count { $0.class == name }, pictures: isKnown ? own.count : nil,
        right: isKnown ? own.count { $0.class == name } : nil)
    }
    let right = counts.reduce(0) { $0 + ($1.right ?? 0) }
    accuracy = isKnown ? Double(right) / Double(pictures.count) : nil
  }

  func text(summary: Bool) -> String {
    var lines =
      summary ? [] : pictures.map { "\($0.file)\t\($0.class)\t\(String(format: "%.4f", $0.probability))" }
    let width = 2 + (counts.map(\.name.count).max() ?? 0)
    lines += counts.filter { $0.taken > 0 || ($0.pictures ?? 0) > 0 }.map { count in
      let share = String(format: "%6d  %5.1f %%", count.taken, percent(count.taken, pictures.count))
      let known = count.pictures.map { total in
        total == 0
          ? ""
          : String(
            format: "  right %d of %d, %.1f %%", count.right ?? 0, total, percent(count.right ?? 0, total))
      }
      return count.name.padding(to: width) + share + (known ?? "")
    }
    lines.append(
      pictures.count.counted("picture")
        + (accuracy.map { String(format: ", accuracy %.1f %%", 100 * $0) } ?? ""))
    return lines.joined(separator: "\n")
  }

  private func percent(_ part: Int, _ whole: Int) -> Double { 100 * Double(part) / Double(max(1, whole)) }

  func json(summary: Bool) throws -> String {
    struct Report: Encodable {
      let pictures: [Picture]?
      let classes: [ClassCount]
      let count: Int
      let accuracy: Double?
    }
    let report = Report(
      pictures: summary ? nil : pictures, classes: counts, count: pictures.count, accuracy: accuracy)
    return String(decoding: try JSONForm.encoder.encode(report), as: UTF8.self)
  }
}
