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

  /// No axis is left with a tick or none, and steps have no halves.
  func testAxesHaveSeveralTicksWhereTheirValuesAre() {
    func ticks(_ svg: String) -> [Double] {
      svg.split(separator: "\n").filter { $0.hasPrefix("<text") && $0.contains("text-anchor=\"end\"") }
        .compactMap { line in
          line.split(separator: ">").dropFirst().first.flatMap {
            Double($0.split(separator: "<").first ?? "")
          }
        }
    }
    for (low, high) in [(0.9, 1.05), (0.3, 0.9), (0.021, 0.045), (0.11, 0.9), (1.0, 2.5)] {
      let svg = plot(.logarithmic, [(0, low), (100, high)]).svg
      XCTAssertGreaterThanOrEqual(ticks(svg).count, 3, "\(low) to \(high): \(ticks(svg))")
    }
    for points in [[(1.0, 2.0)], [(1, 2), (2, 3)], [(1, 2), (2, 3), (3, 4)]] {
      let svg = plot(.linear, points.map { (x: $0.0, y: $0.1) }).svg
      let steps = svg.split(separator: "\n").filter {
        $0.hasPrefix("<text") && $0.contains("text-anchor=\"middle\"") && !$0.contains("font-weight")
          && !$0.contains("rotate")
      }.compactMap { line in
        line.split(separator: ">").dropFirst().first.flatMap { Double($0.split(separator: "<").first ?? "") }
      }
      XCTAssertGreaterThanOrEqual(steps.count, 2, "\(steps)")
      XCTAssertTrue(steps.allSatisfy { $0 == $0.rounded() }, "\(steps)")
    }
  }

  func testALogarithmicAxisOfNumbersHasThemForTicks() {
    let svg = LinePlot(
      title: "t", xLabel: "calls", yLabel: "error", xScale: .logarithmic, yScale: .logarithmic,
      series: [.init(name: "a", points: [(4, 1), (0, 1), (128, 0.001)])]
    ).svg
    for label in ["5", "10", "20", "50", "100"] { XCTAssertTrue(svg.contains(">\(label)</text>"), label) }
    XCTAssertTrue(parses(svg))
    XCTAssertFalse(svg.contains("nan"), "0 has no place on it")
  }

  func testGapsBreakTheLine() {
    let svg = plot(.linear, [(0, 1), (1, 2), (2, .nan), (3, 1), (4, 2)]).svg
    let line = svg.split(separator: "\n").first { $0.contains("#0072B2") } ?? ""
    XCTAssertEqual(line.filter { $0 == "M" }.count, 2)
    XCTAssertEqual(line.filter { $0 == "L" }.count, 2)
  }

  /// It stands in a corner that no line runs through; where each has one, beside the plot.
  func testTheLegendCoversNoLine() throws {
    let falling: [(x: Double, y: Double)] = (0...50).map { (Double($0), exp(-Double($0) / 9)) }
    let rising = falling.map { (x: $0.x, y: 1 - $0.y) }
    // A zigzag whose points all lie left and right of every corner's box: only its segments run through.
    let everywhere: [(x: Double, y: Double)] = (0..<40).map { (Double($0 % 2), Double($0)) }
    for (lines, corner) in [
      ([falling, falling], (right: true, top: true)), ([rising, rising], (right: false, top: true)),
      ([falling, rising], (right: true, top: false)), ([everywhere, everywhere], nil),
      ([[(0, 0), (50, 1), (50, 0)], [(0, 0), (50, 0)]], (right: false, top: true)),
    ] as [([[(x: Double, y: Double)]], (right: Bool, top: Bool)?)] {
      let svg = LinePlot(
        title: "t", xLabel: "x", yLabel: "y",
        series: lines.enumerated().map { .init(name: "line \($0)", points: $1) }
      ).svg
      XCTAssertTrue(parses(svg))
      let size = try XCTUnwrap(svg.firstMatch(of: /width="([\d.]+)" height="([\d.]+)" font/)).output
      let box = try XCTUnwrap(
        svg.firstMatch(of: /<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)" rx/)
      ).output
      let numbers = [box.1, box.2, box.3, box.4].compactMap { Double($0) }
      let (x, y) = (numbers[0]...numbers[0] + numbers[2], numbers[1]...numbers[1] + numbers[3])
      XCTAssertLessThan(x.upperBound, try XCTUnwrap(Double(size.1)))
      if let corner {
        XCTAssertEqual(x.lowerBound > 360, corner.right, "\(x)")
        XCTAssertEqual(y.lowerBound < 200, corner.top, "\(y)")
        XCTAssertLessThan(x.upperBound, 697)
      } else {
        XCTAssertGreaterThan(x.lowerBound, 696)
      }
      for path in svg.matches(of: /<path d="(M[^"]*)"[^>]*stroke-width="1.6"/) {
        let points = path.output.1.matches(of: /([\d.]+) ([\d.]+)/).compactMap { match in
          Double(match.output.1).flatMap { x in Double(match.output.2).map { (x: x, y: $0) } }
        }
        XCTAssertGreaterThan(points.count, 1)
        for (a, b) in zip(points, points.dropFirst()) {
          for share in stride(from: 0, through: 1, by: 0.002) {
            let (px, py) = (a.x + share * (b.x - a.x), a.y + share * (b.y - a.y))
            XCTAssertFalse(x.contains(px) && y.contains(py), "covered at \(px), \(py) by \(x), \(y)")
          }
        }
      }
    }
  }
}
