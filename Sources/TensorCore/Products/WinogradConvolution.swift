import CKernels

/// 3×3 convolution at stride 1 by Winograd's F(4×4, 3×3) or F(2×2, 3×3): a quarter of the direct products or four ninths, for a
/// detour through 36 frequencies or 16; see `winograd.h`.
///
/// In f32 the weights are transformed at every call: kept, they would take four times the memory of the weights themselves,
/// and for the large maps that this is meant for their transform is a small part. In bf16, where F(2×2)'s take less than the
/// weights, they are kept beside these while no tape is.
struct WinogradConvolution {
  private let shape: ConvolutionShape
  private let squares: WinogradSquares

  /// - Parameter side: of a square of results, 4 or 2.
  init(_ shape: ConvolutionShape, side: Int) {
    self.shape = shape
    squares = WinogradSquares(shape, side: side)
  }

  /// Whether it can be computed so at all.
  static func serves(_ shape: ConvolutionShape) -> Bool {
    shape.kh == 3 && shape.kw == 3 && shape.stride == 1 && shape.c % 16 == 0 && shape.o % 16 == 0
  }

  /// From one group's values or products to the next one's, and from one frequency's.
  private struct Strides {
    let group: Int, frequency: Int
  }

  /// What lies in memory: its strides, weights and values in values of the product, products in floats, and where it
  /// begins, in bytes.
  private struct Plan {
    let groups: Int  // of squares, at a time
    let weights: Int  // of a frequency
    let values: Strides, products: Strides
    let valuesAt: Int, productsAt: Int, bytes: Int

    init(_ shape: ConvolutionShape, _ squares: WinogradSquares, keepingWeights: Bool) {
      let frequencies = squares.frequencies
      weights =
        Product.panels(of: shape.o) * Product.steps(of: shape.c) * Product.panelStep + WinogradSquares.line
        * 4
        / Product.bytes
      // In three planes a value would take more room than as a float, so that it stays one until it is multiplied.
      let (terms, bytes) =
        Product.planes == 1 ? (Product.steps(of: shape.c) * Product.step, Product.bytes) : (shape.c, 4)
      let value = terms * Product.rows + WinogradSquares.line * 4 / bytes
      values = Strides(group: frequencies * value, frequency: value)
      products = Strides(
        group: shape.o / 16 * frequencies * WinogradSquares.products, frequency: WinogradSquares.products)
      // What goes back and forth between the cores' own caches and the shared one, at a time.
      let most = (24 << 20) / (values.group * bytes + products.group * 4)
      groups = max(2, min(squares.groups, most / 4 * 4))
      valuesAt = keepingWeights ? 0 : frequencies * weights * Product.bytes
      productsAt = valuesAt + groups * values.group * bytes
      self.bytes = productsAt + groups * products.group * 4
    }
  }

  /// norm(x) ∗ weight + bias + residual, in blocks of 16 channels; `layout` says how the weight lies, `isKept` whether what is
  /// made of it may be kept until it changes.
  func callAsFunction(
    _ x: Tensor, after normalization: GroupNormalization? = nil, weight: Tensor, layout: RightLayout,
    isKept: Bool, bias: Tensor?, residual: Tensor? = nil
  ) -> Tensor {
    let order = MemoryOrder(channelBlock: 16)
    let (x, residual) = (x.ordered(order), residual?.ordered(order))
    let onTheWay = normalization.map { $0.job(x).coefficients(x) }
    let y = Tensor(uninitialized: shape.target, order: order)
    let keepsWeights = isKept && Product.planes * Product.bytes == 2
    let plan = Plan(shape, squares, keepingWeights: keepsWeights)
    let memory = dk_scratch(dk_scratch_of_layer, plan.bytes)!
    var cached: Storage?
    if keepsWeights {
      cached = layout.cached(weight, side: squares.side) {
        let made = Storage(count: squares.frequencies * plan.weights * Product.bytes / 4)
        transformWeights(weight, layout, into: UnsafeMutableRawPointer(made.pointer), plan)
        return made
      }
    } else {
      transformWeights(weight, layout, into: memory, plan)
    }
    let weights = cached.map { UnsafeRawPointer($0.pointer) } ?? UnsafeRawPointer(memory)
    withExtendedLifetime((x, onTheWay, weight, cached, bias, residual, y)) {
      for first in stride(from: 0, to: squares.groups, by: plan.groups) {
        let groups = first..<min(squares.groups, first + plan.groups)
        transformInput(x, onTheWay, groups, into: memory + plan.valuesAt, plan)
        multiply(
          memory, by: weights, groups.count, rows: squares.count - first * Product.rows, plan)
        join(memory + plan.productsAt, groups, bias, residual, into: y, plan)
      }
    }
    return y
  }

  private func transformWeights(
    _ weight: Tensor, _ layout: RightLayout, into memory: UnsafeMutableRawPointer, _ plan: Plan
  ) {
    let steps = Product.steps(of: shape.c)
    parallelFor(Product.panels(of: shape.o) * steps) { task in
      let (column, k) = (task / steps * Product.panel, task % steps * Product.step)
      dk_winograd_pack(
        squares.side, weight.pointer + layout.first + column * layout.columnStride + k * layout.kStride,
        layout.kStride, layout.tapStride, layout.columnStride, min(Product.step, shape.c - k),
        min(Product.panel, shape.o - column), memory + task * Product.panelStep * Product.bytes, plan.weights)
    }
  }

  private func transformInput(
    _ x: Tensor, _ norm: NormalizedOnTheWay?, _ groups: Range<Int>, into values: UnsafeMutableRawPointer,
    _ plan: Plan
  ) {
    let map = squares.map(
      h: shape.h, w: shape.w, channels: shape.c, top: shape.padding.top, left: shape.padding.left, norm)
    let block = Product.planes == 1 ? Product.step : 16
    let blocks = (shape.c + block - 1) / block
    parallelFor(groups.count * blocks) { task in
      let (group, number) = (task / blocks, task % blocks)
      let inside = squares.of(group: groups.lowerBound + group)
      let at = group * plan.values.group + number * block * Product.rows
      withUnsafePointer(to: map) { map in
        if Product.planes == 1 {
          dk_winograd_values(
            x.pointer, map, inside.lowerBound, inside.count, number * block, values + at * Product.bytes,
            plan.values.frequency)
        } else {
          dk_winograd_input_points(
            x.pointer, map, inside.lowerBound, inside.count, number * block,
            values.assumingMemoryBound(to: Float.self) + at,
            dk_winograd_strides(frequency: plan.values.frequency, square: 16))
        }
      }
    }
  }

  /// `rows` squares are left from the first group on.
  private func multiply(
    _ memory: UnsafeMutableRawPointer, by weights: UnsafeRawPointer, _ groups: Int, rows: Int, _ plan: Plan
  ) {
    let frequencies = squares.frequencies
    let products = (memory + plan.productsAt).assumingMemoryBound(to: Float.self)
    let steps = Product.steps(of: shape.c)
    // Rows that stay in the second-level cache while all panels pass.
    let tile = Product.planes * Product.rows * Product.step * Product.bytes
    let run = max(2, (640 << 10) / (steps * tile) / 2 * 2)
    let runs = (groups + run - 1) / run
    parallelFor(frequencies * runs) { task in
      let (frequency, first) = (task / runs, task % runs * run)
      let count = min(run, groups - first)
      let (left, distance) = rowsOf(
        memory + plan.valuesAt, frequency, first..<first + count, plan)
      let tiles = (0..<count).map {
        dk_tile(
          left: Int64($0 * distance), out: Int64((first + $0) * plan.products.group),
          rows: Int64(min(Product.rows, rows - (first + $0) * Product.rows)))
      }
      let target = ProductTarget(
        pointer: products + frequency * plan.products.frequency, columns: shape.o, rowStride: 16,
        blockStride: frequencies * plan.products.frequency)
      left.multiply(
        tiles, by: weights + frequency * plan.weights * Product.bytes, steps: steps, offsets: left.offsets,
        panels: 0..<Product.panels(of: shape.o), into: target, chain: squares.chain)
    }
  }

  /// A frequency's values of some groups as a left operand, and how far apart the groups' tiles are in it.
  private func rowsOf(
    _ values: UnsafeMutableRawPointer, _ frequency: Int, _ groups: Range<Int>, _ plan: Plan
  ) -> (LeftOperand, distance: Int) {
    let at = groups.lowerBound * plan.values.group + frequency * plan.values.frequency
    if Product.planes == 1 {
      return (
        .inPlace(values + at * Product.bytes, rows: Product.rows, k: shape.c), plan.values.group
      )
    }
    let left = LeftOperand(rows: groups.count * Product.rows, k: shape.c)
    let lines = dk_map_lines(
      lines: 1, zero_lines_before: 0, zero_lines_after: 0, zeros_before: 0, count: Product.rows,
      zeros_after: 0, line_stride: 0, row_stride: 16, block_stride: Product.rows * 16, gain: nil,
      offset: nil, activation: dk_identity)
    let source = values.assumingMemoryBound(to: Float.self) + at
    // A group at a time, which lies together in memory.
    for group in 0..<groups.count {
      Product.kernel.split_map(
        source + group * plan.values.group, lines, shape.c, left.place(group * Product.rows))
    }
    return (left, Product.rows * Product.step)
  }

  private func join(
    _ memory: UnsafeMutableRawPointer, _ groups: Range<Int>, _ bias: Tensor?, _ residual: Tensor?,
    into y: Tensor, _ plan: Plan
  ) {
    let map = squares.map(h: shape.outH, w: shape.outW, channels: shape.o, top: 0, left: 0)
    let blocks = shape.o / 16
    let products = memory.assumingMemoryBound(to: Float.self)
    parallelFor(groups.count) { group in
      let inside = squares.of(group: groups.lowerBound + group)
      withUnsafePointer(to: map) { map in
        for block in 0..<blocks {
          dk_winograd_join(
            products + group * plan.products.group + block * squares.frequencies * plan.products.frequency,
            dk_winograd_strides(frequency: plan.products.frequency, square: 16), map, inside.lowerBound,
            inside.count, block * 16, bias?.pointer, residual?.pointer,
            y.pointer)
        }
      }
    }
  }
}

/// The squares of results that a batch is cut into.
struct WinogradSquares {
  /// Results a side: 4 or 2.
  let side: Int
  let count: Int
  private let across: Int, down: Int

  var frequencies: Int { dk_winograd_frequencies(side) }
  /// Steps of a run of terms: F(4×4) makes ten times of a sum's error, F(2×2) little more than there is.
  var chain: Int { side == 4 ? 1 : Int(dk_chain) }
  /// Floats of a cache line, by which strides are kept from being powers of two; see winograd.h.
  static let line = 16
  /// Floats from one frequency's products of a group and 16 channels to the next one's.
  static let products = Product.rows * 16 + line

  init(_ shape: ConvolutionShape, side: Int) {
    self.side = side
    across = (shape.outW + side - 1) / side
    down = (shape.outH + side - 1) / side
    count = shape.n * across * down
  }

  var groups: Int { (count + Product.rows - 1) / Product.rows }

  func of(group: Int) -> Range<Int> { group * Product.rows..<min(count, (group + 1) * Product.rows) }

  func map(h: Int, w: Int, channels: Int, top: Int, left: Int, _ norm: NormalizedOnTheWay? = nil)
    -> dk_winograd_map
  {
    dk_winograd_map(
      side: side, h: h, w: w, channels: channels, across: across, down: down, top: top, left: left,
      gain: norm.map { UnsafePointer($0.gain.pointer) },
      offset: norm.map { UnsafePointer($0.offset.pointer) },
      activation: (norm?.activation ?? .identity).kernel)
  }
}
