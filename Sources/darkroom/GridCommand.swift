import ArgumentParser
import Foundation
import Pictures

/// `darkroom grid`: pictures side by side in one.
struct GridCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "grid", abstract: "Lay pictures out in one, row by row.",
    discussion: """
      EXAMPLES
        darkroom grid a.png b.png c.jpg d.png --columns 2 --output all.png
      """)

  @Argument(help: "PNG and JPEG files, of any sizes.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
  var images: [String]

  @Option(name: .shortAndLong, help: "Where to write: .png or .jpg.")
  var output: String

  @Option(help: "Pictures a row. (default: as square as can be)")
  var columns: Int?

  @Option(help: "Pixels between them and around.")
  var padding = 2

  func validate() throws {
    if let columns, columns < 1 { throw ValidationError("--columns must be at least 1.") }
    if padding < 0 || padding > 4096 { throw ValidationError("--padding must be from 0 to 4096.") }
  }

  func run() throws {
    let target = try OutputKind(picture: output)
    let pictures = try images.map {
      try DecodedPicture(contentsOf: try URL(argument: $0, "<images>")).picture
    }
    let grid = try Grid(columns: columns, padding: padding).compose(pictures, file: output)
    try grid.write(to: target.url)
  }
}
