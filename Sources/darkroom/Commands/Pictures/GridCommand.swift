import ArgumentParser
import Foundation
import Pictures

/// `darkroom grid`: pictures side by side in one.
struct GridCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "grid", abstract: "Lay pictures out in one, row by row, with words along its sides.",
    discussion: """
      EXAMPLES
        darkroom grid a.png b.png c.jpg d.png --columns 2 --output all.png
        darkroom grid s1.png s4.png r1.png r4.png --column-label "scale 1" --column-label "scale 4" \\
          --row-label star --row-label ring --output all.png
      """)

  @Argument(help: "PNG and JPEG files, of any sizes.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
  var images: [String]

  @Option(
    name: .shortAndLong, help: "Where to write: .png or .jpg.",
    completion: .file(extensions: ["png", "jpg", "jpeg"]))
  var output: String

  @Option(help: "Pictures a row. (default: as many as --column-label, or as square as can be)")
  var columns: Int?

  @Option(name: .customLong("column-label"), help: "What stands above a column; repeat it for each.")
  var columnLabels: [String] = []

  @Option(name: .customLong("row-label"), help: "What stands before a row; repeat it for each.")
  var rowLabels: [String] = []

  @Option(help: "How many times larger each picture is drawn.")
  var zoom = 1

  @Option(help: "Pixels between them and around.")
  var padding = 2

  func validate() throws {
    if let columns, columns < 1 { throw ValidationError("--columns must be at least 1.") }
    if padding < 0 || padding > 4096 { throw ValidationError("--padding must be from 0 to 4096.") }
    if !(1...64).contains(zoom) { throw ValidationError("--zoom must be from 1 to 64.") }
    if let columns, !columnLabels.isEmpty, columnLabels.count != columns {
      throw ValidationError("--column-label is given \(columnLabels.count) times for \(columns) columns.")
    }
    let width = columns ?? columnLabels.count
    if !rowLabels.isEmpty, width == 0 {
      throw ValidationError("--row-label goes with --columns or --column-label, which say what a row is.")
    }
    if !rowLabels.isEmpty, rowLabels.count != (images.count + width - 1) / width {
      throw ValidationError(
        "--row-label is given \(rowLabels.count) times for \((images.count + width - 1) / width) rows.")
    }
  }

  func run() throws {
    let target = try OutputKind(picture: output)
    let pictures = try images.map {
      try DecodedPicture(contentsOf: try URL(argument: $0, "<images>")).picture.enlarged(zoom)
    }
    let columns = columns ?? (columnLabels.isEmpty ? nil : columnLabels.count)
    let grid = try Grid(
      columns: columns.map { $0 + (rowLabels.isEmpty ? 0 : 1) }, padding: padding
    ).compose(labelled(pictures, columns: columns), file: output)
    try grid.write(to: target.url)
  }

  /// The cells, words among them.
  private func labelled(_ pictures: [Picture], columns: Int?) -> [Picture] {
    var cells = columnLabels.map { Lettering.picture($0) }
    if !cells.isEmpty && !rowLabels.isEmpty { cells.insert(Lettering.picture(""), at: 0) }
    for (place, picture) in pictures.enumerated() {
      if let columns, !rowLabels.isEmpty, place % columns == 0 {
        cells.append(Lettering.picture(rowLabels[place / columns]))
      }
      cells.append(picture)
    }
    return cells
  }
}
