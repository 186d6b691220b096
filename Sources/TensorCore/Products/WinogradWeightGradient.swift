import CKernels

/// The gradient of a 3×3 convolution's weight at stride 1 by Winograd's F(4×4, 3×3) or F(2×2, 3×3): in each frequency a
/// product of the result's gradient, [O, squares], with the input, [squares, C]; see `winograd.h`.
///
/// Its bits depend on the batch, as those of every sum over a batch do, but not on the number of threads.
struct WinogradWeightGradient {
  private let shape: ConvolutionShape
  private let squares: WinogradSquares

  init(_ shape: ConvolutionShape, side: Int) {
    self.shape = shape
    squares = WinogradSquares(shape, side: side)
  }

  private var steps: Int { (squares.count + Product.step - 1) / Product.step }

  /// Places in the scratch memory, in bytes, and what of it one frequency takes, in values of the product.
  private struct Plan {
    let steps: Int  // of squares, at a time
    let columns: Int, rows: Int
    let rowsAt: Int, sumsAt: Int, count: Int
  }

  private var plan: Plan {
    let line = WinogradSquares.line * 4 / Product.bytes
    let frequencies = squares.frequencies
    let aStep = (Product.panels(of: shape.c) * Product.panelStep, shape.o / 16 * Product.panelStep / 2)
    // What goes back and forth between the cores' own caches and the shared one, at a time.
    let most = (32 << 20) / (frequencies * (aStep.0 + aStep.1) * Product.bytes)
    let steps = max(1, min(steps, most))
    let (columns, rows) = (aStep.0 * steps + line, aStep.1 * steps + line)
    let rowsAt = frequencies * columns * Product.bytes
    let sumsAt = rowsAt + frequencies * rows * Product.bytes
    let sums = shape.o / 16 * (shape.c / 16) * frequencies * WinogradSquares.products
    return Plan(
      steps: steps, columns: columns, rows: rows, rowsAt: rowsAt, sumsAt: sumsAt, count: sumsAt + 4 * sums)
  }

  /// - Parameters:
  ///   - x: `[N, C, H, W]`, what was convolved.
  ///   - dy: `[N, O, H', W']`.
  /// - Returns: `[O, C, 3, 3]`.
  func callAsFunction(_ x: Tensor, _ dy: Tensor) -> Tensor {
    let order = MemoryOrder(channelBlock: 16)
    let (x, dy) = (x.ordered(order), dy.ordered(order))
    let dw = Tensor(uninitialized: shape.weights)
    let plan = plan
    let memory = dk_scratch(dk_scratch_of_layer, plan.count)!
    withExtendedLifetime((x, dy)) {
      for first in stride(from: 0, to: steps, by: plan.steps) {
        let range = first..<min(steps, first + plan.steps)
        transform(x, dy, range, into: memory, plan)
        multiply(memory, range.count, isFirst: first == 0, plan)
      }
    }
    finish(memory + plan.sumsAt, into: dw)
    return dw
  }

  private func transform(
    _ x: Tensor, _ dy: Tensor, _ range: Range<Int>, into memory: UnsafeMutableRawPointer, _ plan: Plan
  ) {
    let inputs = squares.map(
      h: shape.h, w: shape.w, channels: shape.c, top: shape.padding.top, left: shape.padding.left)
    let results = squares.map(h: shape.outH, w: shape.outW, channels: shape.o, top: 0, left: 0)
    let (panels, tiles) = (Product.panels(of: shape.c), shape.o / 16)
    let panel = Product.panelStep * Product.bytes
    parallelFor(range.count * (panels + tiles)) { task in
      let (step, number) = (task / (panels + tiles), task % (panels + tiles))
      let first = (range.lowerBound + step) * Product.step
      let count = min(Product.step, squares.count - first)
      if number < panels {
        let to = memory + (number * range.count + step) * panel
        withUnsafePointer(to: inputs) {
          dk_winograd_columns(x.pointer, $0, first, count, number * Product.panel, to, plan.columns)
        }
      } else {
        let tile = number - panels
        let to = memory + plan.rowsAt + (tile * range.count + step) * panel / 2
        withUnsafePointer(to: results) {
          dk_winograd_rows(dy.pointer, $0, first, count, tile * 16, to, plan.rows)
        }
      }
    }
  }

  private func multiply(_ memory: UnsafeMutableRawPointer, _ steps: Int, isFirst: Bool, _ plan: Plan) {
    let frequencies = squares.frequencies
    let sums = (memory + plan.sumsAt).assumingMemoryBound(to: Float.self)
    let tile = Product.planes * Product.rows * Product.step
    let offsets = (0..<steps).map { Int64($0 * tile) }
    let tiles = (0..<shape.o / 16).map {
      dk_tile(
        left: Int64($0 * steps * tile),
        out: Int64($0 * (shape.c / 16) * frequencies * WinogradSquares.products),
        rows: Int64(Product.rows))
    }
    let parts = min(Product.panels(of: shape.c), (2 * threadCount + frequencies - 1) / frequencies)
    offsets.withUnsafeBufferPointer { offsets in
      parallelFor(frequencies * parts) { task in
        let frequency = task / parts
        let panels = Product.share(task % parts, of: parts, columns: shape.c)
        let out = sums + frequency * WinogradSquares.products
        var product = dk_product(
          left: memory + plan.rowsAt + frequency * plan.rows * Product.bytes,
          plane: Product.rows * Product.step, offsets: offsets.baseAddress, steps: steps,
          chain: squares.chain,
          right: memory + frequency * plan.columns * Product.bytes, panel_stride: steps * Product.panelStep,
          columns: shape.c, out: out, row_stride: 16,
          block_stride: frequencies * WinogradSquares.products, bias: nil,
          addend: isFirst ? nil : UnsafePointer(out), activation: dk_identity)
        Product.kernel.multiply(&product, tiles, tiles.count, panels.lowerBound, panels.upperBound)
      }
    }
  }

  private func finish(_ memory: UnsafeMutableRawPointer, into dw: Tensor) {
    let sums = memory.assumingMemoryBound(to: Float.self)
    let (inBlocks, outBlocks) = (shape.c / 16, shape.o / 16)
    parallelFor(outBlocks * inBlocks) { task in
      dk_winograd_weights(
        squares.side, sums + task * squares.frequencies * WinogradSquares.products, WinogradSquares.products,
        shape.c, dw.pointer + (task / inBlocks * 16 * shape.c + task % inBlocks * 16) * 9)
    }
  }
}
