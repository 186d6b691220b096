/// Zero padding of a convolution, in pixels.
public struct Padding: Sendable, Hashable {
  /// Rows above and below, columns left and right.
  public var top: Int, left: Int, bottom: Int, right: Int

  /// Padding that may differ by side.
  public init(top: Int, left: Int, bottom: Int, right: Int) {
    (self.top, self.left, self.bottom, self.right) = (top, left, bottom, right)
  }

  /// The same on all sides.
  public static func all(_ p: Int) -> Padding { Padding(top: p, left: p, bottom: p, right: p) }
}

/// The sizes of a convolution's maps and of its weight.
struct ConvolutionShape: Hashable {
  var n: Int, c: Int, h: Int, w: Int
  var o: Int, kh: Int, kw: Int
  var stride: Int, padding: Padding

  var outH: Int { (h + padding.top + padding.bottom - kh) / stride + 1 }
  var outW: Int { (w + padding.left + padding.right - kw) / stride + 1 }
  var source: [Int] { [n, c, h, w] }
  var weights: [Int] { [o, c, kh, kw] }
  var target: [Int] { [n, o, outH, outW] }
}
