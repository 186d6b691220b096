// Networks see planes of floats in [-1, 1]; files hold interleaved bytes. The arithmetic is that of diffusers'
// `VaeImageProcessor`, in Float, so that a picture rounds to the same byte there and here.

extension Picture {
  /// The planes `[C, H, W]` of this picture, each value `byte / 127.5 - 1` in [-1, 1].
  ///
  /// - Parameter channels: 3 for red, green, blue; 1 for the luminance.
  public func planarFloats(channels: Int = 3) -> [Float] {
    precondition(channels == 3 || channels == 1, "\(channels) channels")
    let bytes = channels == 3 ? pixels : luminance
    let plane = width * height
    return bytes.withUnsafeBufferPointer { bytes in
      [Float](unsafeUninitializedCapacity: plane * channels) { planes, count in
        for channel in 0..<channels {
          for index in 0..<plane {
            planes[channel * plane + index] = Float(bytes[index * channels + channel]) / 127.5 - 1
          }
        }
        count = plane * channels
      }
    }
  }

  /// A picture from planes `[C, H, W]`: `(x / 2 + 0.5)` clamped to [0, 1], times 255, rounded half to even as
  /// numpy's `round` does. A value that is not a number becomes 0.
  ///
  /// - Parameters:
  ///   - planes: `channels × height × width` values.
  ///   - channels: 3, or 1 for a grey picture.
  public init(planarFloats planes: some Collection<Float>, width: Int, height: Int, channels: Int = 3) {
    precondition(channels == 3 || channels == 1, "\(channels) channels")
    precondition(planes.count == channels * width * height, "\(planes.count) values for a picture")
    let plane = width * height
    let bytes = planes.map(Self.byte)
    let pixels = [UInt8](unsafeUninitializedCapacity: plane * 3) { pixels, count in
      for channel in 0..<3 {
        let start = channels == 3 ? channel * plane : 0
        for index in 0..<plane { pixels[index * 3 + channel] = bytes[start + index] }
      }
      count = plane * 3
    }
    self.init(width: width, height: height, pixels: pixels)
  }

  /// The byte that stands for `value` of [-1, 1].
  static func byte(_ value: Float) -> UInt8 {
    let unit = value / 2 + 0.5
    // Every comparison with NaN is false, which makes it 0 here.
    guard unit > 0 else { return 0 }
    return unit < 1 ? UInt8((unit * 255).rounded(.toNearestOrEven)) : 255
  }
}
