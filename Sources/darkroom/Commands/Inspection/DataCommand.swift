import ArgumentParser
import Foundation
import Pictures
import Training

/// `darkroom data`: folders of pictures.
struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Check a folder of pictures, or draw one.",
    discussion: """
      EXAMPLES
        darkroom data check photos --classes folders --resolution 64
        darkroom data draw-shapes shapes --count 256
        darkroom data draw-shapes pairs --layout scattered --outlines edges
      """,
    subcommands: [Check.self, DrawShapes.self])

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Open every picture of a folder and say which are not as they should be, and why.",
      discussion: "Ends with exit code 1 where training would refuse the folder; everything else is a note.")

    @Argument(help: "The folder.", completion: .directory)
    var folder: String

    @Option(help: "The size that training will use, in pixels a side.")
    var resolution = 32

    @Option(help: "Where classes come from: none, or folders (sub-folders are classes).")
    var classes = ImageFolder.Classes.none

    @Flag(help: "Name every file under each kind of problem, not the first ten.")
    var all = false

    func validate() throws {
      try require((1...8192).contains(resolution), "--resolution must be from 1 to 8192.")
    }

    func run() throws {
      let check = FolderCheck(
        try ImageFolder(URL(argument: folder, "<folder>"), classes: classes), resolution: resolution)
      try Console.print(check.report(filesPerKind: all ? nil : 10, moreHint: " (--all names them)"))
      if check.hasErrors { throw ExitCode.failure }
    }
  }

  struct DrawShapes: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "draw-shapes",
      abstract: "Draw the default data set: eight kinds of shapes in many colours, sizes and places.",
      discussion:
        "Each kind gets a sub-folder; metadata.jsonl holds captions. The same seed draws the same pictures.")

    @Argument(help: "The folder to draw into; made if there is none.", completion: .directory)
    var folder: String

    @Option(help: "How many pictures.")
    var count = 1024

    @Option(help: "Pixels a side.")
    var size = 32

    @Option(help: "The seed of everything random in them.")
    var seed: UInt64 = 0

    @Option(help: "How shapes lie: centered (large, about the middle) or scattered (smaller, anywhere).")
    var layout = ShapesDataset.Layout.centered

    @Option(
      help:
        "A folder for the shapes' outlines, of the same names: what 'train controlnet --conditions' reads.",
      completion: .directory)
    var outlines: String?

    func validate() throws {
      if !(1...1_000_000).contains(count) { throw ValidationError("--count must be from 1 to 1000000.") }
      if !(8...4096).contains(size) { throw ValidationError("--size must be from 8 to 4096.") }
    }

    func run() throws {
      try ShapesDataset(count: count, size: size, seed: seed, layout: layout)
        .write(
          to: URL(argument: folder, "<folder>"),
          outlines: outlines.map { try URL(argument: $0, "--outlines") })
      Console.note("drew \(count) \(count == 1 ? "picture" : "pictures") of \(size)x\(size) into \(folder)")
    }
  }
}

extension ImageFolder.Classes: ExpressibleByArgument {}
extension ShapesDataset.Layout: ExpressibleByArgument {}
