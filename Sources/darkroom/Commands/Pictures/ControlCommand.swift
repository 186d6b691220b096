import ArgumentParser
import Foundation
import Pictures

/// `darkroom control`: pictures for ControlNets to follow, made from others.
struct ControlCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "control",
    abstract:
      "Make a picture that a ControlNet follows: edges, lines, strokes, greys, a mask, or less detail.",
    discussion: """
      EXAMPLES
        darkroom control canny photo.jpg --output edges.png
        darkroom control mask cutout.png --alpha --invert --feather 4 --output mask.png
      """,
    subcommands: [
      CannyEdges.self, LineArt.self, Scribble.self, Grey.self, MaskPicture.self, Tile.self,
    ])

  /// From which picture to which.
  struct Files: ParsableArguments {
    @Argument(help: "A PNG or JPEG.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
    var image: String

    @Option(
      name: .shortAndLong, help: "Where to write: .png or .jpg.",
      completion: .file(extensions: ["png", "jpg", "jpeg"]))
    var output: String

    func convert(_ conversion: (Picture) throws -> Picture) throws {
      let target = try OutputKind(picture: output)
      try conversion(DecodedPicture(contentsOf: URL(argument: image, "<image>")).picture).write(
        to: target.url)
    }
  }

  struct CannyEdges: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "canny", abstract: "White edges on black, the pixels that OpenCV's Canny finds.")

    @OptionGroup var files: Files

    @Option(help: "The gradient above which an edge goes on.")
    var low = 100.0

    @Option(help: "The gradient above which an edge begins.")
    var high = 200.0

    @Option(help: "The side of Sobel's kernel: 3, 5 or 7.")
    var aperture = 3

    @Flag(name: .customLong("l2"), help: "Measure gradients as √(x² + y²), not |x| + |y|.")
    var usesL2 = false

    func validate() throws {
      guard [3, 5, 7].contains(aperture) else { throw ValidationError("--aperture must be 3, 5 or 7.") }
      for (name, value) in [("--low", low), ("--high", high)] where !(0...1_000_000 ~= value) {
        throw ValidationError("\(name) must be from 0 to 1000000.")
      }
      if low > high { throw ValidationError("--low must not be above --high.") }
    }

    func run() throws {
      try files.convert(Canny(low: low, high: high, aperture: aperture, usesL2: usesL2).edges(of:))
    }
  }

  struct LineArt: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "lineart", abstract: "White lines on black where the picture is darker than around.")

    @OptionGroup var files: Files

    @Option(help: "The deviation of the blur that says what is around, in pixels.")
    var sigma = 6.0

    @Option(help: "The least drop that counts when the lines' brightness is set, from 0 to 255.")
    var threshold: Float = 8

    func validate() throws {
      if !(0.1...100 ~= sigma) { throw ValidationError("--sigma must be from 0.1 to 100.") }
      if !(0...255 ~= threshold) { throw ValidationError("--threshold must be from 0 to 255.") }
    }

    func run() throws { try files.convert { $0.lineArt(sigma: sigma, threshold: threshold) } }
  }

  struct Scribble: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "scribble", abstract: "Thick white strokes on black, as by hand.")

    @OptionGroup var files: Files

    @Option(help: "How far the picture must lie below its surroundings for a stroke, from 0 to 255.")
    var threshold: Float = 16

    func validate() throws {
      if !(0...255 ~= threshold) { throw ValidationError("--threshold must be from 0 to 255.") }
    }

    func run() throws { try files.convert { $0.scribble(threshold: threshold) } }
  }

  struct Grey: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "grey", abstract: "The luminance, for a ControlNet that colours.")

    @OptionGroup var files: Files

    func run() throws { try files.convert(\.grey) }
  }

  struct Tile: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "tile",
      abstract: "The picture without its fine detail, for a ControlNet that adds it anew.")

    @OptionGroup var files: Files

    @Option(help: "How many pixels a side become one.")
    var factor = 8

    func validate() throws {
      if !(1...1024 ~= factor) { throw ValidationError("--factor must be from 1 to 1024.") }
    }

    func run() throws { try files.convert { $0.tile(factor: factor) } }
  }
}
