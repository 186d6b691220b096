import Foundation

extension LinePlot {
  /// The rectangle that values are drawn in, and the map from values to it.
  struct Frame {
    let left = 72.0
    let right: Double
    let top = 42.0
    let bottom: Double
    let xTicks: AxisTicks
    let yTicks: AxisTicks
    private let xRange: ClosedRange<Double>
    private let yRange: ClosedRange<Double>
    private let (xScale, yScale): (Scale, Scale)

    init(_ plot: LinePlot) {
      right = plot.width - 24
      bottom = plot.height - 58
      (xScale, yScale) = (plot.xScale, plot.yScale)
      let points = plot.series.flatMap(\.points).filter { Self.canShow($0, plot.xScale, plot.yScale) }
      switch plot.xScale {
      case .linear:
        let isWhole = points.allSatisfy { $0.x == $0.x.rounded() }
        xRange = Self.range(points.map(\.x), whole: isWhole)
        xTicks = .linear(xRange, count: 10, whole: isWhole)
      case .logarithmic:
        xRange = Self.range(points.map { log10($0.x) })
        xTicks = .logarithmic(pow(10, xRange.lowerBound)...pow(10, xRange.upperBound))
      }
      switch plot.yScale {
      case .linear:
        let tight = Self.range(points.map(\.y))
        // Room of 5 % keeps lines off the frame; a plot of positive values still starts at or above 0.
        let room = (tight.upperBound - tight.lowerBound) * 0.05
        let low = tight.lowerBound - room
        yRange = (tight.lowerBound >= 0 ? max(0, low) : low)...(tight.upperBound + room)
        yTicks = .linear(yRange, count: 7)
      case .logarithmic:
        let tight = Self.range(points.map { log10($0.y) })
        let room = (tight.upperBound - tight.lowerBound) * 0.05
        yRange = (tight.lowerBound - room)...(tight.upperBound + room)
        yTicks = .logarithmic(pow(10, yRange.lowerBound)...pow(10, yRange.upperBound))
      }
    }

    /// Whether the point has a place on both axes.
    func canShow(_ point: (x: Double, y: Double)) -> Bool { Self.canShow(point, xScale, yScale) }

    /// The horizontal place of `value`, in SVG's pixels.
    func x(_ value: Double) -> Double {
      let value = xScale == .logarithmic ? log10(value) : value
      return left + (value - xRange.lowerBound) / (xRange.upperBound - xRange.lowerBound) * (right - left)
    }

    /// The vertical place of `value`, in SVG's pixels from the top.
    func y(_ value: Double) -> Double {
      let value = yScale == .logarithmic ? log10(value) : value
      return bottom - (value - yRange.lowerBound) / (yRange.upperBound - yRange.lowerBound) * (bottom - top)
    }

    private static func canShow(_ point: (x: Double, y: Double), _ x: Scale, _ y: Scale) -> Bool {
      // Spans beyond 1e150 would overflow on the way to the screen.
      func hasPlace(_ value: Double, _ scale: Scale) -> Bool {
        abs(value) < 1e150 && (scale == .linear || value > 1e-150)
      }
      return hasPlace(point.x, x) && hasPlace(point.y, y)
    }

    /// From the least to the greatest; widened where they are missing or so close that ticks would coincide, by 1 at least
    /// where they are whole numbers.
    private static func range(_ values: [Double], whole: Bool = false) -> ClosedRange<Double> {
      guard let low = values.min(), let high = values.max() else { return 0...1 }
      let widening = max(abs(low), 1) * 0.5
      if high - low > widening * 1e-9 { return low...high }
      let room = whole ? max(1, widening) : widening
      return low - room...high + room
    }
  }
}
