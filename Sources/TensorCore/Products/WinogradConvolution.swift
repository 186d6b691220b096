import CKernels

/// 3×3 convolution at stride 1 by Winograd's F(4×4, 3×3): a quarter of the direct products, for a detour through
/// 36 frequencies; see `winograd.h`.
///
/// The weights are transformed at every call. Kept, they would take six times the memory of the weights themselves, and
/// for the large maps that this is meant for their transform is a small part.
struct WinogradConvolution {
  private let shape: ConvolutionShape
  private let squares: WinogradSquares

  /// Nil where the detour is not worth it. That does not depend on the batch, since no picture's
  /// bits may.
  init?(_ shape: ConvolutionShape) {
    guard Self.suits(shape) else { return nil }
    self.shape = shape
    squares = WinogradSquares(shape)
  }

  static func suits(_ shape: ConvolutionShape) -> Bool {
    shape.kh == 3 && shape.kw == 3 && shape.stride == 1 && shape.c % 16 == 0
      && shape.o % 16 == 0
      && shape.c >= 64 && shape.o >= 64 && shape.outH * shape.outW >= smallest(shape)
  }

  /// Pixels from which on fewer products outweigh the weights' transform, whose frequencies go through the shared cache or,
  /// of many channels, through memory. Products on AMX weigh less.
  private static func smallest(_ shape: ConvolutionShape) -> Int {
    Product.takesFloats && shape.c * shape.o <= 512 * 256 ? 64 : 256
  }

  /// Floats from one group's values or products to the next one's, and from one frequency's.
  private struct Strides {
    let group: Int, frequency: Int
  }

  /// What lies in memory: its strides, in floats but for the weights' in values of the product, and where it begins, in
  /// floats.
  private struct Plan {
    let groups: Int  // of squares, at a time
    let weights: Int  // of a frequency
    let values: Strides, products: Strides
    let valuesAt: Int, productsAt: Int, count: Int

    init(_ shape: ConvolutionShape, groups all: Int) {
      let frequencies = WinogradSquares.frequencies
      let panel = Product.steps(of: shape.c) * Product.panelStep
      weights = Product.panels(of: shape.o) * panel + WinogradSquares.line * 4 / Product.bytes
      let value = shape.c * Product.rows + WinogradSquares.line
      values = Strides(group: frequencies * value, frequency: value)
      products = Strides(
        group: shape.o / 16 * frequencies * WinogradSquares.products, frequency: WinogradSquares.products)
      // What goes back and forth between the cores' own caches and the shared one, at a time.
      let most = (24 << 20) / 4 / (values.group + products.group)
      groups = max(2, min(all, most / 4 * 4))
      valuesAt = frequencies * weights * Product.bytes / 4
      productsAt = valuesAt + groups * values.group
      count = productsAt + groups * products.group
    }
  }

  /// norm(x) ∗ weight + bias + residual, in blocks of 16 channels; `layout` says how the weight lies.
  func callAsFunction(
    _ x: Tensor, after normalization: GroupNormalization? = nil, weight: Tensor, layout: RightLayout,
    bias: Tensor?, residual: Tensor? = nil
  ) -> Tensor {
    let order = MemoryOrder(channelBlock: 16)
    let (x, residual) = (x.ordered(order), residual?.ordered(order))
    let onTheWay = normalization.map { $0.job(x).coefficients(x) }
    let y = Tensor(uninitialized: shape.target, order: order)
    let plan = Plan(shape, groups: squares.groups)
    let memory = dk_scratch(dk_scratch_of_layer, plan.count * 4).assumingMemoryBound(to: Float.self)
    withExtendedLifetime((x, onTheWay, weight, bias, residual, y)) {
      transformWeights(weight, layout, into: memory, plan)
      for first in stride(from: 0, to: squares.groups, by: plan.groups) {
        let groups = first..<min(squares.groups, first + plan.groups)
        transformInput(x, onTheWay, groups, into: memory + plan.valuesAt, plan)
        multiply(memory, groups.count, rows: squares.count - first * Product.rows, plan)
        join(memory + plan.productsAt, groups, bias, residual, into: y, plan)
      }
    }
    return y
  }

  private func transformWeights(
    _ weight: Tensor, _ layout: RightLayout, into memory: UnsafeMutablePointer<Float>, _ plan: Plan
  ) {
    let steps = Product.steps(of: shape.c)
    parallelFor(Product.panels(of: shape.o) * steps) { task in
      let (column, k) = (task / steps * Product.panel, task % steps * Product.step)
      dk_winograd_pack(
        weight.pointer + layout.first + column * layout.columnStride + k * layout.kStride, layout.kStride,
        layout.tapStride, layout.columnStride, min(Product.step, shape.c - k),
        min(Product.panel, shape.o - column),
        UnsafeMutableRawPointer(memory) + task * Product.panelStep * Product.bytes, plan.weights)
    }
  }

  private func transformInput(
    _ x: Tensor, _ norm: NormalizedOnTheWay?, _ groups: Range<Int>, into values: UnsafeMutablePointer<Float>,
    _ plan: Plan
  ) {
    let map = squares.map(
      h: shape.h, w: shape.w, channels: shape.c, top: shape.padding.top, left: shape.padding.left, norm)
    let blocks = shape.c / 16
    parallelFor(groups.count * blocks) { task in
      let (group, block) = (task / blocks, task % blocks)
      let inside = squares.of(group: groups.lowerBound + group)
      withUnsafePointer(to: map) {
        dk_winograd_input_points(
          x.pointer, $0, inside.lowerBound, inside.count, block * 16,
          values + group * plan.values.group + block * Product.rows * 16,
          dk_winograd_strides(frequency: plan.values.frequency, square: 16))
      }
    }
  }

  /// `rows` squares are left from the first group on.
  private func multiply(_ memory: UnsafeMutablePointer<Float>, _ groups: Int, rows: Int, _ plan: Plan) {
    let frequencies = WinogradSquares.frequencies
    let (values, products) = (memory + plan.valuesAt, memory + plan.productsAt)
    let steps = Product.steps(of: shape.c)
    // Rows that stay in the second-level cache while all panels pass.
    let tile = Product.planes * Product.rows * Product.step * Product.bytes
    let run = max(2, (640 << 10) / (steps * tile) / 2 * 2)
    let runs = (groups + run - 1) / run
    parallelFor(frequencies * runs) { task in
      let (frequency, first) = (task / runs, task % runs * run)
      let count = min(run, groups - first)
      let source = values + first * plan.values.group + frequency * plan.values.frequency
      let left =
        Product.takesFloats
        ? LeftOperand.inPlace(source, rows: Product.rows, k: shape.c) : split(source, groups: count, plan)
      let distance = Product.takesFloats ? plan.values.group : Product.rows * Product.step
      let tiles = (0..<count).map {
        dk_tile(
          left: Int64($0 * distance), out: Int64((first + $0) * plan.products.group),
          rows: Int64(min(Product.rows, rows - (first + $0) * Product.rows)))
      }
      let target = ProductTarget(
        pointer: products + frequency * plan.products.frequency, columns: shape.o, rowStride: 16,
        blockStride: frequencies * plan.products.frequency)
      left.multiply(
        tiles, by: UnsafeRawPointer(memory) + frequency * plan.weights * Product.bytes, steps: steps,
        offsets: left.offsets, panels: 0..<Product.panels(of: shape.o), into: target,
        chain: Int(dk_winograd_chain))
    }
  }

  private func split(_ values: UnsafeMutablePointer<Float>, groups: Int, _ plan: Plan) -> LeftOperand {
    let left = LeftOperand(rows: groups * Product.rows, k: shape.c)
    let lines = dk_map_lines(
      lines: 1, zero_lines_before: 0, zero_lines_after: 0, zeros_before: 0, count: Product.rows,
      zeros_after: 0, line_stride: 0, row_stride: 16, block_stride: Product.rows * 16, gain: nil,
      offset: nil, activation: dk_identity)
    // A group at a time, which lies together in memory.
    for group in 0..<groups {
      Product.kernel.split_map(
        values + group * plan.values.group, lines, shape.c, left.place(group * Product.rows))
    }
    return left
  }

  private func join(
    _ products: UnsafeMutablePointer<Float>, _ groups: Range<Int>, _ bias: Tensor?, _ residual: Tensor?,
    into y: Tensor, _ plan: Plan
  ) {
    let map = squares.map(h: shape.outH, w: shape.outW, channels: shape.o, top: 0, left: 0)
    let blocks = shape.o / 16
    parallelFor(groups.count) { group in
      let inside = squares.of(group: groups.lowerBound + group)
      withUnsafePointer(to: map) { map in
        for block in 0..<blocks {
          dk_winograd_join(
            products + group * plan.products.group + block * WinogradSquares.frequencies
              * plan.products.frequency,
            dk_winograd_strides(frequency: plan.products.frequency, square: 16), map, inside.lowerBound,
            inside.count, block * 16, bias?.pointer, residual?.pointer,
            y.pointer)
        }
      }
    }
  }
}

/// The squares of 4×4 results that a batch is cut into.
struct WinogradSquares {
  let count: Int
  private let across: Int, down: Int

  static let frequencies = Int(dk_winograd_frequencies)
  /// Floats of a cache line, by which strides are kept from being powers of two; see winograd.h.
  static let line = 16
  /// Floats from one frequency's products of a group and 16 channels to the next one's.
  static let products = Product.rows * 16 + line

  init(_ shape: ConvolutionShape) {
    let side = Int(dk_winograd_out)
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
      h: h, w: w, channels: channels, across: across, down: down, top: top, left: left,
      gain: norm.map { UnsafePointer($0.gain.pointer) },
      offset: norm.map { UnsafePointer($0.offset.pointer) },
      activation: (norm?.activation ?? .identity).kernel)
  }
}
