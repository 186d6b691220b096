import ArgumentParser
import Foundation
import Pictures
import Training

/// `darkroom evaluate nearest`: what of a data set comes nearest to pictures that a model drew.
struct NearestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nearest",
    abstract: "The pictures of a data set that come nearest to others: whether a model copies.",
    discussion: """
      A line a picture: its file, the distance to its nearest and that one's file, with tabs between; then the median. The distance is \
      the root of the mean square of differences, in values from 0 to 255, at the size of the first picture. With --output a \
      row a picture: it, and its nearest.

      EXAMPLES
        darkroom evaluate nearest drawn-*.png --among photos --output nearest.png
      """)

  @Argument(help: "PNG and JPEG pictures.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
  var images: [String]

  @Option(help: "The folder of the data set.", completion: .directory)
  var among: String

  @Option(help: "How many of the nearest the picture of --output shows.")
  var count = 5

  @Option(
    name: .shortAndLong, help: "Where to draw them: .png or .jpg.",
    completion: .file(extensions: ["png", "jpg", "jpeg"]))
  var output: String?

  func validate() throws {
    try require((1...64).contains(count), "--count must be from 1 to 64.")
  }

  func run() throws {
    let target = try output.map { try OutputKind(picture: $0) }
    let pictures = try images.map { try DecodedPicture(contentsOf: URL(argument: $0, "<images>")).picture }
    let folder = try ImageFolder(URL(argument: among, "--among"))
    let size = (pictures[0].width, pictures[0].height)
    let nearest = try NearestPictures(folder, size: size)
    var (cells, distances): ([Picture], [Double]) = ([], [])
    for (name, picture) in zip(images, pictures) {
      let found = nearest(picture, count: count)
      distances.append(found[0].distance)
      let words = String(format: "%.1f", found[0].distance)
      try Console.print("\(name)\t\(words)\t\(folder.items[found[0].index].path)")
      guard target != nil else { continue }
      cells.append(picture)
      cells += try found.map {
        try DecodedPicture(contentsOf: folder.items[$0.index].url).picture
          .resizedToFill(width: size.0, height: size.1)
      }
    }
    let median = distances.sorted()[distances.count / 2]
    let words = String(format: "median distance %.1f", median)
    try Console.print("\(distances.count.counted("picture")), \(words)")
    if let target {
      let grid = Grid(columns: min(count, folder.items.count) + 1)
      try grid.compose(cells, file: target.url.relativePath).write(to: target.url)
    }
  }
}
