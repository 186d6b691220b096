import CKernels

/// The gradient of a 3×3 convolution's weight at stride 1 by Winograd's F(4×4, 3×3) on tiles: in each frequency a product
/// of the result's gradient, [O, squares], with the input, [squares, C]; see `winograd.h`.
///
/// Its bits depend on the batch, as those of every sum over a batch do, but not on the number of threads.
struct WinogradWeightGradient {
  private let shape: ConvolutionShape
  private let squares: WinogradSquares

  /// Nil where tiles are not there or the detour is not worth it.
  init?(_ shape: ConvolutionShape) {
    guard WinogradConvolution.suits(shape) else { return nil }
    self.shape = shape
    squares = WinogradSquares(shape)
  }

  private var steps: Int { (squares.count + Tiles.step - 1) / Tiles.step }

  /// Places in the scratch memory, in bf16, and what of it one frequency takes.
  private struct Plan {
    let steps: Int  // of 32 squares, at a time
    let columns: Int, rows: Int
    let rowsAt: Int, sumsAt: Int, count: Int
  }

  private var plan: Plan {
    let line = 2 * WinogradSquares.line
    let frequencies = WinogradSquares.frequencies
    let panel = Tiles.planes * Tiles.step * Tiles.panel
    let aStep = (Tiles.panels(of: shape.c) * panel, shape.o / 16 * panel / 2)
    // What goes back and forth between the cores' own caches and the shared one, at a time.
    let most = (32 << 20) / (frequencies * (aStep.0 + aStep.1) * 2)
    let steps = max(1, min(steps, most))
    let (columns, rows) = (aStep.0 * steps + line, aStep.1 * steps + line)
    let rowsAt = frequencies * columns
    let sumsAt = rowsAt + frequencies * rows
    let sums = shape.o / 16 * (shape.c / 16) * frequencies * WinogradSquares.products
    return Plan(
      steps: steps, columns: columns, rows: rows, rowsAt: rowsAt, sumsAt: sumsAt, count: sumsAt + 2 * sums)
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
    let memory = dk_scratch(dk_scratch_of_layer, plan.count * 2).assumingMemoryBound(to: UInt16.self)
    withExtendedLifetime((x, dy)) {
      for first in stride(from: 0, to: steps, by: plan.steps) {
        let range = first..<min(steps, first + plan.steps)
        transform(x, dy, range, into: memory, plan)
        multiply(memory, range.count, isFirst: first == 0, plan)
      }
    }
    finish(memory + plan.sumsAt, plan, into: dw)
    return dw
  }

  private func transform(
    _ x: Tensor, _ dy: Tensor, _ range: Range<Int>, into memory: UnsafeMutablePointer<UInt16>, _ plan: Plan
  ) {
    let inputs = squares.map(
      h: shape.h, w: shape.w, channels: shape.c, top: shape.padding.top, left: shape.padding.left)
    let results = squares.map(h: shape.outH, w: shape.outW, channels: shape.o, top: 0, left: 0)
    let (inBlocks, outBlocks) = (shape.c / 16, shape.o / 16)
    let panel = Tiles.planes * Tiles.step * Tiles.panel
    parallelFor(range.count * (inBlocks + outBlocks)) { task in
      let (step, block) = (task / (inBlocks + outBlocks), task % (inBlocks + outBlocks))
      let first = (range.lowerBound + step) * Tiles.step
      let count = min(Tiles.step, squares.count - first)
      if block < inBlocks {
        let to = memory + (block / 2 * range.count + step) * panel + block % 2 * 512
        withUnsafePointer(to: inputs) {
          dk_winograd_columns(x.pointer, $0, first, count, block * 16, to, plan.columns)
        }
      } else {
        let block = block - inBlocks
        let to = memory + plan.rowsAt + (block * range.count + step) * panel / 2
        withUnsafePointer(to: results) {
          dk_winograd_rows(dy.pointer, $0, first, count, block * 16, to, plan.rows)
        }
      }
    }
  }

  private func multiply(_ memory: UnsafeMutablePointer<UInt16>, _ steps: Int, isFirst: Bool, _ plan: Plan) {
    let frequencies = WinogradSquares.frequencies
    let sums = UnsafeMutableRawPointer(memory + plan.sumsAt).assumingMemoryBound(to: Float.self)
    let tile = Tiles.planes * Tiles.rows * Tiles.step
    let offsets = (0..<steps).map { Int64($0 * tile) }
    let tiles = (0..<shape.o / 16).map {
      dk_tile(
        left: Int64($0 * steps * tile),
        out: Int64($0 * (shape.c / 16) * frequencies * WinogradSquares.products),
        rows: Int64(Tiles.rows))
    }
    offsets.withUnsafeBufferPointer { offsets in
      parallelFor(frequencies) { frequency in
        let out = sums + frequency * WinogradSquares.products
        var product = dk_tile_product(
          left: memory + plan.rowsAt + frequency * plan.rows, plane: Tiles.rows * Tiles.step,
          offsets: offsets.baseAddress, steps: steps, right: memory + frequency * plan.columns,
          panel_stride: steps * 2 * tile, columns: shape.c, out: out, row_stride: 16,
          block_stride: frequencies * WinogradSquares.products, bias: nil,
          addend: isFirst ? nil : UnsafePointer(out), activation: dk_identity)
        dk_tile_multiply(&product, tiles, tiles.count, 0, Tiles.panels(of: shape.c))
      }
    }
  }

  private func finish(_ memory: UnsafeMutablePointer<UInt16>, _ plan: Plan, into dw: Tensor) {
    let sums = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: Float.self)
    let (inBlocks, outBlocks) = (shape.c / 16, shape.o / 16)
    parallelFor(outBlocks * inBlocks) { task in
      dk_winograd_weights(
        sums + task * WinogradSquares.frequencies * WinogradSquares.products, WinogradSquares.products,
        shape.c,
        dw.pointer + (task / inBlocks * 16 * shape.c + task % inBlocks * 16) * 9)
    }
  }
}
