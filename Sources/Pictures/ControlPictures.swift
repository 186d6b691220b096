/// Pictures that ControlNets are conditioned on, made from others. `Canny` makes edges.
extension Picture {
  /// White lines on black where the picture is darker than its surroundings: the greatest drop of a channel below its
  /// Gaussian blur, scaled so that the median of all that is clear lies at half of white, as the preprocessor
  /// "lineart standard" of ControlNet's web UI extension does.
  ///
  /// - Parameters:
  ///   - sigma: the blur's deviation in pixels, which bounds how thick a line can be.
  ///   - threshold: the drop, from 0 to 255, from which on it counts as clear.
  public func lineArt(sigma: Double = 6, threshold: Float = 8) -> Picture {
    let drops = drops(to: sigma, from: nil).map { max(0, min(255, $0)) }
    let clear = drops.filter { $0 > threshold }.sorted()
    let scale = 127 / max(16, clear.isEmpty ? 0 : clear[clear.count / 2])
    return Picture(grey: drops.map { UInt8(min(255, $0 * scale)) }, width: width, height: height)
  }

  /// Thick white strokes on black: where a fine Gaussian blur lies clearly below a coarse one, a difference of
  /// Gaussians as in H. Winnemöller, "XDoG", 2011.
  ///
  /// - Parameter threshold: the difference, from 0 to 255, above which a stroke stands.
  public func scribble(threshold: Float = 16) -> Picture {
    let strokes = drops(to: 5, from: 0.5).map { $0 > threshold ? UInt8(255) : 0 }
    return Picture(grey: strokes, width: width, height: height)
  }

  /// The luminance in three equal channels.
  public var grey: Picture { Picture(grey: luminance, width: width, height: height) }

  /// The picture without its fine detail: the mean of each `factor × factor` pixels, enlarged smoothly to the old size.
  public func tile(factor: Int) -> Picture {
    precondition(factor > 0, "a tile factor of \(factor)")
    return resized(width: max(1, width / factor), height: max(1, height / factor), filter: .box)
      .resized(width: width, height: height)
  }

  /// A grey picture of one byte a pixel.
  init(grey values: [UInt8], width: Int, height: Int) {
    self.init(width: width, height: height, pixels: values.flatMap { [$0, $0, $0] })
  }

  /// By how much the picture, or its blur of deviation `fine`, lies below its blur of deviation `coarse`: the least of
  /// the three channels, so that a colour alone makes no line.
  private func drops(to coarse: Double, from fine: Double?) -> [Float] {
    var least = [Float](repeating: .infinity, count: width * height)
    for channel in 0..<3 {
      let plane = (0..<width * height).map { Float(pixels[3 * $0 + channel]) }
      let around = GaussianBlur.blurred(plane, width: width, height: height, sigma: coarse)
      let here = fine.map { GaussianBlur.blurred(plane, width: width, height: height, sigma: $0) } ?? plane
      for index in least.indices { least[index] = min(least[index], around[index] - here[index]) }
    }
    return least
  }
}

extension Mask {
  /// Black below `threshold` and white from it on.
  public func cut(at threshold: UInt8) -> Mask {
    Mask(width: width, height: height, values: values.map { $0 >= threshold ? 255 : 0 })
  }
}
