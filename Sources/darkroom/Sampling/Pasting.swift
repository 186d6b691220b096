import Pictures
import Pipelines
import TensorCore

/// Puts what was painted into the picture that it is part of, all else of which stays as it is.
struct Pasting {
  /// The whole picture.
  let canvas: StoredPicture
  /// Where it is painted anew.
  let mask: Mask
  /// The part of it that was worked on.
  let region: Mask.Rectangle

  /// - Parameter painted: the region, `[1, C, H, W]` in [-1, 1], at the size that was worked at.
  func callAsFunction(_ painted: Tensor) -> RepaintedPicture {
    canvas.repainted(with: planes(painted), mask: mask)
  }

  /// The planes `[3, H, W]` of the whole canvas; what lies around the region is not looked at.
  private func planes(_ painted: Tensor) -> [Float] {
    let (_, c, h, w) = painted.shape4
    var own = painted.values
    if h != region.height || w != region.width {
      own = Picture(planarFloats: own, width: w, height: h, channels: c)
        .resized(width: region.width, height: region.height).planarFloats(channels: c)
    }
    let plane = region.width * region.height
    var planes = [Float](repeating: 0, count: 3 * canvas.width * canvas.height)
    for channel in 0..<3 {
      for y in 0..<region.height {
        let from = (c == 3 ? channel : 0) * plane + y * region.width
        let to = (channel * canvas.height + region.y + y) * canvas.width + region.x
        planes.replaceSubrange(to..<to + region.width, with: own[from..<from + region.width])
      }
    }
    return planes
  }
}
