import Foundation

extension Mask {
  /// Black for white.
  public var inverted: Mask { Mask(width: width, height: height, values: values.map { 255 - $0 }) }

  /// White grown by a disc of a radius: each value becomes the greatest within it. A negative radius shrinks white.
  ///
  /// - Parameter radius: in pixels; 1 reaches the four neighbours.
  public func grown(_ radius: Int) -> Mask {
    guard radius != 0 else { return self }
    if radius < 0 { return inverted.grown(-radius).inverted }
    let radius = min(radius, width + height)
    var grown = [UInt8](repeating: 0, count: values.count)
    for dy in -min(radius, height - 1)...min(radius, height - 1) {
      // How far the disc reaches in a row that far from its centre.
      let reach = min(Int(Double(radius * radius - dy * dy).squareRoot()), width - 1)
      for y in max(0, -dy)..<min(height, height - dy) {
        let row = Self.runningMaximum(values[(y + dy) * width..<(y + dy + 1) * width], reach: reach)
        for x in 0..<width { grown[y * width + x] = max(grown[y * width + x], row[x]) }
      }
    }
    return Mask(width: width, height: height, values: grown)
  }

  /// The greatest of each value and its `reach` neighbours on both sides (M. van Herk 1992): within blocks as long as
  /// the window, running maxima from the left and from the right cover every window with two look-ups.
  private static func runningMaximum(_ row: ArraySlice<UInt8>, reach: Int) -> [UInt8] {
    guard reach > 0 else { return Array(row) }
    let window = 2 * reach + 1
    let padding = [UInt8](repeating: 0, count: reach)
    let padded = padding + row + padding + [UInt8](repeating: 0, count: window)
    var (fromLeft, fromRight) = (padded, padded)
    for at in 1..<padded.count where at % window != 0 { fromLeft[at] = max(fromLeft[at], fromLeft[at - 1]) }
    for at in (0..<padded.count - 1).reversed() where (at + 1) % window != 0 {
      fromRight[at] = max(fromRight[at], fromRight[at + 1])
    }
    return row.indices.map { max(fromRight[$0 - row.startIndex], fromLeft[$0 - row.startIndex + window - 1]) }
  }

  /// Softened by a Gaussian, which spreads both ways: what it turns from black to grey is painted upon.
  ///
  /// - Parameter sigma: the deviation in pixels; 0 leaves the mask as it is.
  public func feathered(_ sigma: Double) -> Mask {
    guard sigma > 0 else { return self }
    let blurred = GaussianBlur.blurred(values.map { Float($0) }, width: width, height: height, sigma: sigma)
    return Mask(
      width: width, height: height,
      values: blurred.map { UInt8(max(0, min(255, $0.rounded(.toNearestOrEven)))) })
  }

  /// The mask at another size, its aspect ratio not kept.
  public func resized(width: Int, height: Int) -> Mask {
    if width == self.width && height == self.height { return self }
    let resized = picture.resized(width: width, height: height)
    return Mask(
      width: width, height: height,
      values: stride(from: 0, to: resized.pixels.count, by: 3).map { resized.pixels[$0] })
  }
}
