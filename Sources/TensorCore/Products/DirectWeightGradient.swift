import CKernels

/// The gradient of a convolution's weight as a product over pixels: of the result's gradient, [O, pixels], with what each
/// tap saw, [pixels, C]; for shapes to which Winograd's does not apply.
///
/// Pixels are summed in runs of whole lines, whose length depends on the shape alone, and the runs' sums in order: bits
/// depend on the batch, as those of every sum over a batch do, but not on the number of threads.
struct DirectWeightGradient {
  private let shape: ConvolutionShape
  private let taps: Int
  /// Lines of results, counted over images, that are summed at a time: their left operand stays in a core's own cache.
  private let run: Int

  init(_ shape: ConvolutionShape) {
    self.shape = shape
    taps = shape.kh * shape.kw
    run = max(1, (shape.o <= 128 ? 512 : 256) / shape.outW)
  }

  /// - Parameters:
  ///   - x: `[N, C, H, W]`, what was convolved.
  ///   - dy: `[N, O, H', W']`.
  /// - Returns: `[O, C, kh, kw]`.
  func callAsFunction(_ x: Tensor, _ dy: Tensor) -> Tensor {
    let (x, dy) = (
      x.ordered(.preferred(channels: shape.c)), dy.ordered(.preferred(channels: shape.o))
    )
    // [tap, O, C]
    let sums = Storage(count: taps * shape.o * shape.c)
    let lines = shape.n * shape.outH
    withExtendedLifetime((x, dy, sums)) {
      for first in stride(from: 0, to: lines, by: run) {
        add(x, dy, first..<min(lines, first + run), isFirst: first == 0, into: sums.pointer)
      }
    }
    let dw = Tensor(uninitialized: shape.weights)
    parallelFor(shape.o) { row in
      dk_interleave(
        sums.pointer + row * shape.c, shape.o * shape.c, taps, shape.c, dw.pointer + row * shape.c * taps)
    }
    return dw
  }

  private func add(
    _ x: Tensor, _ dy: Tensor, _ lines: Range<Int>, isFirst: Bool, into sums: UnsafeMutablePointer<Float>
  ) {
    let pixels = lines.count * shape.outW
    let steps = Product.steps(of: pixels)
    let tiles = (shape.o + Product.rows - 1) / Product.rows
    let tile = Product.planes * steps * Product.rows * Product.step
    let left = dk_scratch(dk_scratch_of_layer, tiles * tile * Product.bytes)!
    let results = dk_taps(
      h: shape.outH, w: shape.outW, channels: shape.o, block: dy.order.channelBlock, out_h: shape.outH,
      out_w: shape.outW, stride: 1, top: 0, left: 0)
    parallelFor(tiles) { number in
      let values = dk_scratch(dk_scratch_of_task, pixels * 64).assumingMemoryBound(to: Float.self)
      dk_gather(dy.pointer, results, lines.lowerBound, lines.count, 0, 0, number * 16, values, 16)
      let place = dk_left(
        left: left + number * tile * Product.bytes, rows: Product.rows,
        plane: steps * Product.rows * Product.step)
      Product.kernel.split_columns(values, 16, pixels, Product.rows, place)
    }
    let offsets = (0..<steps).map { Int64($0 * Product.rows * Product.step) }
    let rows = (0..<tiles).map {
      dk_tile(
        left: Int64($0 * tile), out: Int64($0 * Product.rows * shape.c),
        rows: Int64(min(Product.rows, shape.o - $0 * Product.rows)))
    }
    let inputs = dk_taps(
      h: shape.h, w: shape.w, channels: shape.c, block: x.order.channelBlock, out_h: shape.outH,
      out_w: shape.outW, stride: shape.stride, top: shape.padding.top, left: shape.padding.left)
    let panels = Product.panels(of: shape.c)
    parallelFor(taps * panels) { task in
      let (tap, panel) = (task / panels, task % panels)
      let right = panelOf(x, inputs, lines, tap, panel)
      let out = sums + tap * shape.o * shape.c
      offsets.withUnsafeBufferPointer { offsets in
        var product = dk_product(
          left: left, plane: steps * Product.rows * Product.step, offsets: offsets.baseAddress, steps: steps,
          chain: Int(dk_chain),
          right: right, panel_stride: 0, columns: shape.c, out: out, row_stride: shape.c, block_stride: 16,
          bias: nil, addend: isFirst ? nil : UnsafePointer(out), activation: dk_identity)
        Product.kernel.multiply(&product, rows, rows.count, panel, panel + 1)
      }
    }
  }

  /// What `tap` saw of 32 channels, as a panel of as many steps as the lines' pixels take.
  private func panelOf(_ x: Tensor, _ map: dk_taps, _ lines: Range<Int>, _ tap: Int, _ panel: Int)
    -> UnsafeMutableRawPointer
  {
    let pixels = lines.count * shape.outW
    let padded = Product.steps(of: pixels) * Product.step
    let floats = padded * Product.panel * 4
    let packed = Product.takesFloats ? 0 : padded * Product.planes * Product.panel * Product.bytes
    let memory = dk_scratch(dk_scratch_of_task, floats + packed)!
    let values = memory.assumingMemoryBound(to: Float.self)
    for half in 0..<2 {
      dk_gather(
        x.pointer, map, lines.lowerBound, lines.count, tap / shape.kw, tap % shape.kw,
        panel * Product.panel + half * 16, values + half * 16, Product.panel)
    }
    (values + pixels * Product.panel).update(repeating: 0, count: (padded - pixels) * Product.panel)
    if Product.takesFloats { return memory }
    Product.kernel.pack_panel(values, Product.panel, 0, 1, pixels, 1, Product.panel, memory + floats)
    return memory + floats
  }
}
