import Pictures
import XCTest

#if canImport(FoundationXML)
  import FoundationXML
#endif

final class LinePlotTests: XCTestCase {
  private func parses(_ svg: String) -> Bool { XMLParser(data: Data(svg.utf8)).parse() }

  private func plot(_ scale: LinePlot.Scale, _ points: [(x: Double, y: Double)]) -> LinePlot {
    LinePlot(
      title: "Loss <&> \"time\"\u{1}", xLabel: "step", yLabel: "loss's mean", yScale: scale,
      series: [.init(name: "raw & <b>", points: points), .init(name: "mean", points: points.reversed())])
  }

  func testWellFormedWhateverThePoints() {
    let sets: [[(x: Double, y: Double)]] = [
      [], [(3, 4)], [(0, 0), (0, 0)], [(1, .nan), (2, 3), (3, .infinity), (4, -5)],
      [(0, 1e-300), (1, 1e300)], [(-1e6, 2), (1e6, 2.0000001)],
      (0..<100).map { (Double($0), exp(-Double($0) / 9)) },
    ]
    for points in sets {
      for scale in [LinePlot.Scale.linear, .logarithmic] {
        let svg = plot(scale, points).svg
        XCTAssertTrue(parses(svg), svg)
        XCTAssertFalse(svg.lowercased().contains("nan\""), svg)
        XCTAssertFalse(svg.contains("inf "), svg)
        XCTAssertEqual(svg, plot(scale, points).svg)
      }
    }
  }

  func testTicksAreRound() {
    let svg = plot(.linear, [(0, 0), (1000, 0.5)]).svg
    for label in ["0", "200", "1000", "0.1", "0.5"] {
      XCTAssertTrue(svg.contains(">\(label)</text>"), label)
    }
    let logarithmic = plot(.logarithmic, [(0, 0.00001), (1000, 2)]).svg
    for label in ["1e-5", "0.001", "0.1", "1"] {
      XCTAssertTrue(logarithmic.contains(">\(label)</text>"), label)
    }
  }

  func testGapsBreakTheLine() {
    let svg = plot(.linear, [(0, 1), (1, 2), (2, .nan), (3, 1), (4, 2)]).svg
    let line = svg.split(separator: "\n").first { $0.contains("#0072B2") } ?? ""
    XCTAssertEqual(line.filter { $0 == "M" }.count, 2)
    XCTAssertEqual(line.filter { $0 == "L" }.count, 2)
  }
}
