import Pictures
import TensorCore

extension Picture {
  /// The pictures of a batch `[N, 1 or 3, H, W]` of values in [-1, 1].
  public static func batch(_ images: Tensor) -> [Picture] {
    let (n, c, h, w) = images.shape4
    let values = images.values
    let size = c * h * w
    return (0..<n).map { i in
      Picture(planarFloats: values[i * size..<(i + 1) * size], width: w, height: h, channels: c)
    }
  }
}
