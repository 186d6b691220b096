extension LinePlot {
  /// The box that says which line is which: in the corner of the frame that no line runs through, or beside the frame.
  struct Legend {
    let width: Double
    let height: Double
    /// Room between the box and what is around it.
    static let margin = 8.0
    static let rowHeight = 18.0

    /// - Returns: nil for a single series, which the title names.
    init?(_ series: [Series]) {
      guard series.count > 1 else { return nil }
      // Text cannot be measured here; 6.6 pixels a character is generous at this size.
      width = 6.6 * Double(series.map(\.name.count).max() ?? 0) + 44
      height = Double(series.count) * Self.rowHeight + 8
    }

    /// Where the box lies in a frame without covering anything, upper right before other corners; nil where each is taken.
    func corner(of frame: Frame, _ series: [Series]) -> (left: Double, top: Double)? {
      let margin = Self.margin
      let lefts = [frame.right - width - margin, frame.left + margin]
      let tops = [frame.top + margin, frame.bottom - height - margin]
      for top in tops {
        for left in lefts where left >= frame.left && top >= frame.top {
          // As wide as half a dot on each side.
          let box = Box(left: left - 3, top: top - 3, right: left + width + 3, bottom: top + height + 3)
          if !series.contains(where: { covers($0, frame, box) }) { return (left, top) }
        }
      }
      return nil
    }

    private func covers(_ line: Series, _ frame: Frame, _ box: Box) -> Bool {
      var last: (x: Double, y: Double)?
      for point in line.points {
        guard frame.canShow(point) else {
          last = nil
          continue
        }
        let here = (x: frame.x(point.x), y: frame.y(point.y))
        if box.meets(line.style == .line ? last ?? here : here, here) { return true }
        last = here
      }
      return false
    }
  }
}

/// A rectangle in SVG's pixels.
private struct Box {
  let left: Double, top: Double, right: Double, bottom: Double

  /// Whether a part of the segment between two points lies in it (Liang & Barsky 1984): the share of the way at which it
  /// enters the last of four half-planes comes before that at which it leaves the first.
  func meets(_ a: (x: Double, y: Double), _ b: (x: Double, y: Double)) -> Bool {
    let (dx, dy) = (b.x - a.x, b.y - a.y)
    var (enters, leaves) = (0.0, 1.0)
    for (along, room) in [(-dx, a.x - left), (dx, right - a.x), (-dy, a.y - top), (dy, bottom - a.y)] {
      if along == 0 {
        if room < 0 { return false }
      } else if along < 0 {
        enters = max(enters, room / along)
      } else {
        leaves = min(leaves, room / along)
      }
    }
    return enters <= leaves
  }
}
