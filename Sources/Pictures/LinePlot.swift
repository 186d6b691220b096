import Files
import Foundation

/// A line plot as an SVG file: several series over a common x axis. The same plot gives the same bytes.
public struct LinePlot: Sendable {
  /// One line of the plot.
  public struct Series: Sendable {
    /// Its name in the legend.
    public var name: String
    /// The points in the order in which they are joined. Those that are not finite (or beyond 1e150), and those
    /// not above 0 on an axis that is logarithmic, leave a gap.
    public var points: [(x: Double, y: Double)]

    /// How the points are drawn.
    public var style: Style

    /// A named line through `points`, or dots at them.
    public init(name: String, style: Style = .line, points: [(x: Double, y: Double)]) {
      self.name = name
      self.style = style
      self.points = points
    }
  }

  /// How points are drawn.
  public enum Style: Sendable { case line, dots }

  /// How values become heights.
  public enum Scale: Sendable {
    /// In proportion.
    case linear
    /// By their logarithm.
    case logarithmic
  }

  /// Stands above the plot.
  public var title: String
  /// Stands below the x axis, with the unit.
  public var xLabel: String
  /// Stands beside the y axis, with the unit.
  public var yLabel: String
  /// The scale of the x axis.
  public var xScale: Scale
  /// The scale of the y axis.
  public var yScale: Scale
  /// The lines, coloured in this order.
  public var series: [Series]
  /// Width of the whole in SVG's pixels; a legend for which no corner is free makes it wider.
  public var width: Double
  /// Height of the whole in SVG's pixels.
  public var height: Double

  /// A plot of `series`.
  public init(
    title: String, xLabel: String, yLabel: String, xScale: Scale = .linear, yScale: Scale = .linear,
    series: [Series],
    width: Double = 720, height: Double = 420
  ) {
    self.title = title
    self.xLabel = xLabel
    self.yLabel = yLabel
    self.xScale = xScale
    self.yScale = yScale
    self.series = series
    self.width = width
    self.height = height
  }

  /// The plot as an SVG document.
  public var svg: String {
    let frame = Frame(self)
    let legend = Legend(series)
    let corner = legend?.corner(of: frame, series)
    let beside = (left: frame.right + Legend.margin, top: frame.top)
    let width = corner == nil ? max(width, beside.left + (legend?.width ?? 0) + Legend.margin) : width
    let (left, right, top, bottom) = (frame.left, frame.right, frame.top, frame.bottom)
    var lines = [
      #"<?xml version="1.0" encoding="UTF-8"?>"#,
      #"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \#(n(width)) \#(n(height))" "#
        + #"width="\#(n(width))" height="\#(n(height))" font-family="Helvetica, Arial, sans-serif" "#
        + #"font-size="12" fill="rgb(50,50,50)">"#,
      #"<rect width="100%" height="100%" fill="white"/>"#,
      text(
        title, x: (left + right) / 2, y: 26, anchor: "middle",
        more: #" font-size="15" font-weight="bold""#),
    ]
    for (value, label) in zip(frame.xTicks.values, frame.xTicks.labels) {
      let x = frame.x(value)
      lines.append(rule(x, top, x, bottom))
      lines.append(text(label, x: x, y: bottom + 18, anchor: "middle"))
    }
    for (value, label) in zip(frame.yTicks.values, frame.yTicks.labels) {
      let y = frame.y(value)
      lines.append(rule(left, y, right, y))
      lines.append(text(label, x: left - 8, y: y + 4, anchor: "end"))
    }
    lines.append(
      #"<path d="M\#(n(left)) \#(n(top))V\#(n(bottom))H\#(n(right))" fill="none" stroke="gray"/>"#)
    lines.append(text(xLabel, x: (left + right) / 2, y: bottom + 40, anchor: "middle"))
    let middle = (top + bottom) / 2
    lines.append(
      text(yLabel, x: 18, y: middle, anchor: "middle", more: #" transform="rotate(-90 18 \#(n(middle)))""#))
    for (index, line) in series.enumerated() {
      lines.append(path(line, frame, stroke: Self.stroke(index, line.style)))
    }
    if let legend { lines += box(legend, at: corner ?? beside) }
    lines.append("</svg>")
    return lines.joined(separator: "\n") + "\n"
  }

  /// Writes the plot whole or not at all.
  ///
  /// - Throws: `FileError`.
  public func write(to url: URL) throws {
    try AtomicFile.write(Data(svg.utf8), to: url)
  }

  /// Okabe and Ito's colours, told apart by the colour-blind too, without the yellow that fades on white.
  private static let colors = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]

  /// A colour a series, and dashes where the colours begin again.
  private static func stroke(_ index: Int, _ style: Style) -> String {
    let isAgain = style == .line && index / colors.count % 2 == 1
    return #"stroke="\#(colors[index % colors.count])""# + (isAgain ? #" stroke-dasharray="6 4""# : "")
  }

  private func path(_ line: Series, _ frame: Frame, stroke: String) -> String {
    var data = ""
    var command = "M"
    for point in line.points {
      guard frame.canShow(point) else {
        command = "M"
        continue
      }
      if line.style == .dots {
        data += "M\(n(frame.x(point.x))) \(n(frame.y(point.y)))h0"
        continue
      }
      data += "\(command)\(n(frame.x(point.x))) \(n(frame.y(point.y)))"
      command = "L"
    }
    // Round caps make a point without neighbours visible: a line of no length is a dot.
    if line.style == .line && data.filter({ $0 == "L" }).isEmpty && !data.isEmpty { data += "h0" }
    let width = line.style == .dots ? "6" : "1.6"
    return #"<path d="\#(data)" fill="none" \#(stroke) stroke-width="\#(width)" "#
      + #"stroke-linejoin="round" stroke-linecap="round"/>"#
  }

  private func box(_ legend: Legend, at place: (left: Double, top: Double)) -> [String] {
    let (left, top) = place
    var lines = [
      #"<rect x="\#(n(left))" y="\#(n(top))" width="\#(n(legend.width))" height="\#(n(legend.height))" "#
        + #"rx="3" fill="white" stroke="lightgray"/>"#
    ]
    for (index, line) in series.enumerated() {
      let y = top + 13 + Double(index) * Legend.rowHeight
      lines.append(
        #"<path d="M\#(n(left + 8)) \#(n(y))h20" \#(Self.stroke(index, .line)) stroke-width="2.5"/>"#)
      lines.append(text(line.name, x: left + 35, y: y + 4, anchor: "start"))
    }
    return lines
  }

  private func rule(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
    #"<path d="M\#(n(x1)) \#(n(y1))L\#(n(x2)) \#(n(y2))" stroke="gainsboro"/>"#
  }

  private func text(_ string: String, x: Double, y: Double, anchor: String, more: String = "") -> String {
    #"<text x="\#(n(x))" y="\#(n(y))" text-anchor="\#(anchor)"\#(more)>\#(Self.escaped(string))</text>"#
  }

  /// XML knows five special characters, and forbids control characters even when escaped.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&apos;"
      case "\u{9}", "\u{A}", "\u{D}": result += " "
      case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// A coordinate to a hundredth of a pixel, short.
  private func n(_ value: Double) -> String {
    let text = String(format: "%.2f", value)
    return text.hasSuffix(".00") ? String(text.dropLast(3)) : text
  }
}
