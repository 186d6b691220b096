import TensorCore

extension Tensor {
  /// The feature maps at another size, linearly between neighbours both ways: PyTorch's `interpolate(mode="bilinear")`
  /// without aligned corners, which is what A1111's web UI enlarges latents by.
  ///
  /// [N, C, H, W] → [N, C, height, width]
  public func bilinear(height: Int, width: Int) -> Tensor {
    let (n, c, h, w) = shape4
    let (down, across) = (Self.neighbours(h, height), Self.neighbours(w, width))
    let source = values
    var result = [Float](repeating: 0, count: n * c * height * width)
    for plane in 0..<n * c {
      let (from, to) = (plane * h * w, plane * height * width)
      for (y, (top, bottom, dy)) in down.enumerated() {
        for (x, (left, right, dx)) in across.enumerated() {
          let (a, b) = (source[from + top * w + left], source[from + top * w + right])
          let (c, d) = (source[from + bottom * w + left], source[from + bottom * w + right])
          result[to + y * width + x] =
            (1 - dy) * ((1 - dx) * a + dx * b) + dy * ((1 - dx) * c + dx * d)
        }
      }
    }
    return Tensor(result, shape: [n, c, height, width])
  }

  /// For each place of the new size, the two old places that it lies between, and how near to the second.
  private static func neighbours(_ old: Int, _ new: Int) -> [(Int, Int, Float)] {
    (0..<new).map { i in
      let place = max(0, (Float(i) + 0.5) * Float(old) / Float(new) - 0.5)
      let first = min(Int(place), old - 1)
      return (first, min(first + 1, old - 1), place - Float(first))
    }
  }
}
