import CKernels

/// The mean over pixels of Σ weight·(x̂ − ŷ)² over channels, where x̂ is x with each pixel's channels scaled to a length of 1:
/// one layer's term of LPIPS (Zhang et al. 2018, equation 1). `target` is a constant.
///
/// - Parameters:
///   - x: `[N, C, H, W]`.
///   - target: the same shape.
///   - weight: `[C]`.
/// - Returns: a tensor of one: the mean over images too.
public func perceptualDistance(_ x: Tensor, _ target: Tensor, weight: Tensor) -> Tensor {
  let (n, c, h, w) = x.shape4
  precondition(
    target.shape == x.shape && weight.shape == [c], "\(x.shape), \(target.shape) and \(weight.shape)")
  let source = x.saved
  let target = target.ordered(x.order).detached
  let (size, b) = (c * h * w, x.order.channelBlock)
  let distances = Storage(count: n)
  parallelFor(n) { i in
    distances.pointer[i] = Float(
      dk_perceptual_distance(
        x.pointer + i * size, target.pointer + i * size, weight.pointer, c / b, h * w, b) / Double(h * w))
  }
  let mean = (0..<n).reduce(0.0) { $0 + Double(distances.pointer[$1]) } / Double(n)
  return Tensor([Float(mean)], shape: [1]).recorded(inputs: [x]) { dy, _ in
    let x = source()
    let dx = Tensor(uninitialized: x.shape, order: x.order)
    parallelFor(n) { i in
      dk_perceptual_gradient(
        x.pointer + i * size, target.pointer + i * size, weight.pointer, dy.item / Float(n * h * w),
        dx.pointer + i * size, c / b, h * w, b)
    }
    return [dx]
  }
}
