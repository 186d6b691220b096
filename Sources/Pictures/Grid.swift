/// Arranges pictures in rows and columns.
public struct Grid: Sendable, Hashable {
  /// Pictures a row; nil for the most nearly square arrangement.
  public var columns: Int?
  /// Pixels around and between the pictures.
  public var padding: Int
  /// The colour of the padding, and of the room around pictures smaller than their cell.
  public var background: RGB

  /// A way to arrange pictures.
  ///
  /// - Parameters:
  ///   - columns: pictures a row, at least 1; nil for the most nearly square arrangement.
  ///   - padding: pixels around and between the pictures, at least 0.
  ///   - background: the colour of everything that is no picture.
  public init(columns: Int? = nil, padding: Int = 2, background: RGB = .white) {
    precondition((columns ?? 1) > 0, "a grid of \(columns ?? 0) columns")
    precondition(padding >= 0, "a padding of \(padding) pixels")
    self.columns = columns
    self.padding = padding
    self.background = background
  }

  /// Finds out whether so many pictures of one size can be one, before they are made.
  ///
  /// - Throws: `PictureError` with `.tooLarge`.
  public func check(
    count: Int, width: Int, height: Int, file: String = "The grid", limits: PictureLimits = PictureLimits()
  ) throws(PictureError) {
    let columns = columns(of: count)
    let rows = (count + columns - 1) / columns
    try limits.require(
      width: padding + columns * (width + padding), height: padding + rows * (height + padding), file: file)
  }

  private func columns(of count: Int) -> Int {
    min(columns ?? Int(Double(count).squareRoot().rounded(.up)), count)
  }

  /// One picture of all `pictures`, row by row. A column is as wide as its widest picture, a row as high as
  /// its highest; smaller ones stand in the middle of their cells. The last row may be incomplete.
  ///
  /// - Parameters:
  ///   - file: what the grid will be called, for errors.
  ///   - limits: what the whole may measure.
  /// - Throws: `PictureError` with `.nothingToArrange` or `.tooLarge`.
  public func compose(
    _ pictures: [Picture], file: String = "The grid", limits: PictureLimits = PictureLimits()
  ) throws(PictureError) -> Picture {
    guard !pictures.isEmpty else { throw PictureError(.nothingToArrange, file: file) }
    let columns = columns(of: pictures.count)
    var widths = [Int](repeating: 0, count: columns)
    var heights = [Int](repeating: 0, count: (pictures.count + columns - 1) / columns)
    for (index, picture) in pictures.enumerated() {
      widths[index % columns] = max(widths[index % columns], picture.width)
      heights[index / columns] = max(heights[index / columns], picture.height)
    }
    let width = widths.reduce(padding) { $0 + $1 + padding }
    let height = heights.reduce(padding) { $0 + $1 + padding }
    try limits.require(width: width, height: height, file: file)

    var grid = Picture(width: width, height: height, color: background)
    var y = padding
    for (row, cellHeight) in heights.enumerated() {
      var x = padding
      for (column, cellWidth) in widths.enumerated() where row * columns + column < pictures.count {
        let picture = pictures[row * columns + column]
        grid.paste(
          picture, x: x + (cellWidth - picture.width) / 2, y: y + (cellHeight - picture.height) / 2)
        x += cellWidth + padding
      }
      y += cellHeight + padding
    }
    return grid
  }
}
