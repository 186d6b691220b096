import Foundation
import Pictures
import Training
import XCTest

final class ShapesDatasetTests: XCTestCase {
  private static let samples = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("samples/shapes")

  /// `samples/shapes` is what the defaults draw, and every picture of it is fit for training.
  func testCommittedSamples() throws {
    let folder = try ImageFolder(Self.samples, classes: .folders)
    XCTAssertEqual(folder.classes, ShapeClass.allCases.map(\.rawValue).sorted())
    let check = FolderCheck(folder, resolution: 32)
    XCTAssertEqual(check.findings, [])

    let items = Dictionary(uniqueKeysWithValues: folder.items.map { ($0.path, $0) })
    let dataset = ShapesDataset()
    XCTAssertEqual(items.count, dataset.count)
    for index in stride(from: 0, to: dataset.count, by: 7) {
      let example = dataset.example(index)
      let item = try XCTUnwrap(items[example.path])
      XCTAssertEqual(item.caption, example.caption)
      XCTAssertEqual(try DecodedPicture(contentsOf: item.url).picture, example.picture, example.path)
    }
    let sizes = try folder.items.map {
      try $0.url.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0
    }
    XCTAssertLessThan(sizes.reduce(0, +), 2_000_000)
  }

  func testWritesABalancedFolder() throws {
    let scratch = try ScratchFolder(self)
    try ShapesDataset(count: 20, size: 16, seed: 3).write(to: scratch.url)
    let folder = try ImageFolder(scratch.url, classes: .folders)
    XCTAssertEqual(folder.items.count, 20)
    XCTAssertTrue(folder.items.allSatisfy { $0.caption?.contains(" on a") ?? false })
    let counts = Dictionary(grouping: folder.items, by: \.classIndex).values.map(\.count)
    XCTAssertEqual(counts.sorted(), [2, 2, 2, 2, 3, 3, 3, 3])
  }

  /// An outline lies on its shape's own pixels, encloses the rest of them, and is thin.
  func testOutlinesEncloseTheirShapes() throws {
    let scratch = try ScratchFolder(self)
    let (pictures, edges) = (scratch.url.appending(path: "p"), scratch.url.appending(path: "e"))
    let dataset = ShapesDataset(count: 16, size: 32, seed: 3, layout: .scattered)
    try dataset.write(to: pictures, outlines: edges)
    for index in 0..<dataset.count {
      let example = dataset.example(index)
      XCTAssertEqual(
        try DecodedPicture(contentsOf: edges.appending(path: example.path)).picture, example.outline)
      let ground = example.picture[0, 0]
      var (edge, inside) = (0, 0)
      for y in 0..<32 {
        for x in 0..<32 {
          let isShape = example.picture[x, y] != ground
          if isShape { inside += 1 }
          guard example.outline[x, y] == .white else { continue }
          edge += 1
          XCTAssertTrue(isShape, "\(example.path): an edge at \(x), \(y) on the ground")
        }
      }
      XCTAssertGreaterThan(edge, 16, example.path)
      XCTAssertLessThan(edge, inside, example.path)
    }
    XCTAssertNotEqual(dataset.example(0).picture, ShapesDataset(count: 16, seed: 3).example(0).picture)
  }

  func testDependsOnSeedAndIndexOnly() {
    let small = ShapesDataset(count: 8, seed: 5)
    let large = ShapesDataset(count: 800, seed: 5)
    XCTAssertEqual(small.example(7).picture, large.example(7).picture)
    XCTAssertNotEqual(small.example(7).picture, ShapesDataset(count: 8, seed: 6).example(7).picture)
  }
}
