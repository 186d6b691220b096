import CKernels

extension Tensor {
  /// Every pixel twice in both directions: [N, C, H, W] → [N, C, 2H, 2W].
  public func upsampledNearest() -> Tensor {
    let (_, _, h, w) = shape4
    let source = saved
    let run = { (x: Tensor) in
      x.planes(height: 2 * h, width: 2 * w) { from, to, planes, b in dk_upsample2(from, to, planes, h, w, b) }
    }
    return run(self).recorded(inputs: [self], remake: { run(source()) }) { dy, _ in
      [
        dy.planes(height: h, width: w) { from, to, planes, b in
          dk_upsample2_gradient(from, to, planes, h, w, b)
        }
      ]
    }
  }

  /// The mean of 2×2 pixels at stride 2: [N, C, H, W] → [N, C, H/2, W/2]; H and W must be even.
  public func averagePooled() -> Tensor {
    let (_, _, h, w) = shape4
    precondition(h % 2 == 0 && w % 2 == 0, "average pooling of \(h)×\(w)")
    return planes(height: h / 2, width: w / 2) { from, to, planes, b in
      dk_average_pool2(from, to, planes, h / 2, w / 2, b)
    }.recorded(inputs: [self]) { dy, _ in
      [
        dy.planes(height: h, width: w) { from, to, planes, b in
          dk_average_pool2_gradient(from, to, planes, h / 2, w / 2, b)
        }
      ]
    }
  }

  /// The largest of 2×2 pixels at stride 2: [N, C, H, W] → [N, C, ⌊H/2⌋, ⌊W/2⌋].
  public func maxPooled() -> Tensor {
    let (_, _, h, w) = shape4
    let source = saved
    return planes(height: h / 2, width: w / 2) { from, to, planes, b in
      dk_max_pool2(from, to, planes, h, w, b)
    }.recorded(inputs: [self]) { dy, _ in
      let x = source()
      let dy = dy.ordered(x.order)
      let dx = Tensor(uninitialized: x.shape, order: x.order)
      let (n, c, b) = (x.shape[0], x.shape[1], x.order.channelBlock)
      parallelFor(n * c / b) { plane in
        let at = plane * h * w * b
        dk_max_pool2_gradient(
          x.pointer + at, dy.pointer + plane * (h / 2) * (w / 2) * b, dx.pointer + at, 1, h, w, b)
      }
      return [dx]
    }
  }

  /// Up-sampling by 2 with a separable FIR filter, as StyleGAN2's `upsample_2d` (Karras et al. 2020).
  ///
  /// - Parameter taps: the filter along one direction, before normalisation; [1, 3, 3, 1] for NCSN++.
  public func firUpsampled(taps: [Float]) -> Tensor {
    // Normalised to a sum of 1, times 2 a direction for the zeros put between pixels.
    let sum = taps.reduce(0, +)
    let excess = taps.count - 2
    return filtered(
      taps: taps.reversed().map { 2 * $0 / sum }, up: 2, down: 1, pads: ((excess + 1) / 2 + 1, excess / 2))
  }

  /// Down-sampling by 2 with a separable FIR filter, as StyleGAN2's `downsample_2d`.
  public func firDownsampled(taps: [Float]) -> Tensor {
    let sum = taps.reduce(0, +)
    let excess = taps.count - 2
    return filtered(
      taps: taps.reversed().map { $0 / sum }, up: 1, down: 2, pads: ((excess + 1) / 2, excess / 2))
  }

  private func filtered(taps: [Float], up: Int, down: Int, pads: (Int, Int)) -> Tensor {
    let (_, _, h, w) = shape4
    func size(_ n: Int) -> Int { (n * up + pads.0 + pads.1 - taps.count) / down + 1 }
    let (outH, outW) = (size(h), size(w))
    return planes(height: outH, width: outW) { from, to, planes, b in
      dk_fir(from, to, planes, h, w, b, outH, outW, taps, taps.count, up, down, pads.0)
    }.recorded(inputs: [self]) { dy, _ in
      [
        dy.planes(height: h, width: w) { from, to, planes, b in
          dk_fir_gradient(from, to, planes, h, w, b, outH, outW, taps, taps.count, up, down, pads.0)
        }
      ]
    }
  }

  /// A map of another size, computed plane by plane [H, W, B] in this one's order.
  private func planes(
    height: Int, width: Int,
    _ kernel: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, _ planes: Int, _ b: Int) -> Void
  ) -> Tensor {
    let (n, c, h, w) = shape4
    let b = order.channelBlock
    let y = Tensor(uninitialized: [n, c, height, width], order: order)
    parallelFor(n * c / b) { plane in
      kernel(pointer + plane * h * w * b, y.pointer + plane * height * width * b, 1, b)
    }
    return y
  }
}
