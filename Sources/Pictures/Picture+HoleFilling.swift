extension Picture {
  /// This picture with what is around a hole spread into it: a mean of what is kept, weighed by a Gaussian, from ever
  /// farther away where nothing near is kept. Grey of the mask is kept in part.
  public func filled(in hole: Mask) -> Picture {
    precondition(hole.width == width && hole.height == height, "a mask of another size")
    let known = hole.values.map { 1 - Float($0) / 255 }
    guard known.contains(where: { $0 > 0 }), known.contains(where: { $0 < 1 }) else { return self }
    var colors = [Float](repeating: 0, count: pixels.count)
    var isFilled = [Bool](repeating: false, count: known.count)
    var sigma = 2.0
    while isFilled.contains(false) {
      let weights = GaussianBlur.blurred(known, width: width, height: height, sigma: sigma)
      let planes = (0..<3).map { channel in
        GaussianBlur.blurred(
          known.indices.map { known[$0] * Float(pixels[3 * $0 + channel]) }, width: width, height: height,
          sigma: sigma)
      }
      // A weight this small is of a place that the Gaussian hardly reaches.
      let isWide = sigma > Double(2 * max(width, height))
      for i in known.indices where !isFilled[i] && (weights[i] > 0.02 || (isWide && weights[i] > 0)) {
        for channel in 0..<3 { colors[3 * i + channel] = planes[channel][i] / weights[i] }
        isFilled[i] = true
      }
      if isWide { break }
      sigma *= 2
    }
    var result = pixels
    for i in known.indices where isFilled[i] && known[i] < 1 {
      for c in 0..<3 {
        let mixed = known[i] * Float(pixels[3 * i + c]) + (1 - known[i]) * colors[3 * i + c]
        result[3 * i + c] = UInt8(max(0, min(255, mixed.rounded())))
      }
    }
    return Picture(width: width, height: height, pixels: result)
  }
}
