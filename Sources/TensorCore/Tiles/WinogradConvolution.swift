import CKernels

/// 3×3 convolution at stride 1 by Winograd's F(4×4, 3×3) on tiles: a quarter of the direct products, for a detour through
/// 36 frequencies; see `winograd.h`.
///
/// The weights are transformed at every call. Kept, they would take six times the memory of the weights themselves, and
/// for the large maps that this is meant for their transform is a small part.
struct WinogradConvolution {
  private let shape: ConvolutionShape
  private let squares: WinogradSquares

  /// Nil where tiles are not there or the detour is not worth it. That does not depend on the batch, since no picture's
  /// bits may.
  init?(_ shape: ConvolutionShape) {
    guard Self.suits(shape) else { return nil }
    self.shape = shape
    squares = WinogradSquares(shape)
  }

  static func suits(_ shape: ConvolutionShape) -> Bool {
    Tiles.areUsed && shape.kh == 3 && shape.kw == 3 && shape.stride == 1 && shape.c % 16 == 0
      && shape.o % 16 == 0
      && shape.c >= 64 && shape.o >= 64 && shape.outH * shape.outW >= 256
  }

  private var blocks: Int { Tiles.blocks(of: shape.c) }

  /// Places in the scratch memory, in bf16, and the strides of what lies there.
  private struct Plan {
    let groups: Int  // of squares, at a time
    let weights: dk_winograd_strides, values: dk_winograd_strides, products: dk_winograd_strides
    let valuesAt: Int, productsAt: Int, count: Int
  }

  private var plan: Plan {
    let line = 32  // bf16 a cache line
    let tile = Tiles.planes * Tiles.rows * Tiles.step
    let frequencies = Int(dk_winograd_frequencies)
    let weights = Tiles.panels(of: shape.o) * blocks * 2 * tile + line
    let values = blocks * tile + line
    let products = Tiles.rows * 16 + 16
    let group = (frequencies * values, shape.o / 16 * frequencies * products)
    // What goes back and forth between the cores' own caches and the shared one, at a time.
    let most = (24 << 20) / (group.0 * 2 + group.1 * 4)
    let groups = max(2, min(squares.groups, most / 4 * 4))
    let valuesAt = frequencies * weights
    let productsAt = valuesAt + groups * group.0
    return Plan(
      groups: groups, weights: .init(group: 0, frequency: weights),
      values: .init(group: group.0, frequency: values), products: .init(group: group.1, frequency: products),
      valuesAt: valuesAt, productsAt: productsAt, count: productsAt + 2 * groups * group.1)
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
    let plan = plan
    let memory = dk_scratch(plan.count * 2).assumingMemoryBound(to: UInt16.self)
    withExtendedLifetime((x, onTheWay, weight, bias, residual, y)) {
      transform(weight, layout, into: memory, plan)
      for first in stride(from: 0, to: squares.groups, by: plan.groups) {
        let groups = first..<min(squares.groups, first + plan.groups)
        split(x, onTheWay, groups, into: memory + plan.valuesAt, plan)
        multiply(memory, groups.count, plan)
        join(memory + plan.productsAt, groups, bias, residual, into: y, plan)
      }
    }
    return y
  }

  private func transform(
    _ weight: Tensor, _ layout: RightLayout, into memory: UnsafeMutablePointer<UInt16>, _ plan: Plan
  ) {
    parallelFor(Tiles.panels(of: shape.o) * blocks) { task in
      let (column, k) = (task / blocks * Tiles.panel, task % blocks * Tiles.step)
      dk_winograd_pack(
        weight.pointer + layout.first + column * layout.columnStride + k * layout.kStride, layout.kStride,
        layout.tapStride, layout.columnStride, min(Tiles.step, shape.c - k),
        min(Tiles.panel, shape.o - column),
        memory + task * Tiles.planes * Tiles.step * Tiles.panel, plan.weights.frequency)
    }
  }

  private func split(
    _ x: Tensor, _ norm: NormalizedOnTheWay?, _ groups: Range<Int>, into values: UnsafeMutablePointer<UInt16>,
    _ plan: Plan
  ) {
    let map = squares.map(
      h: shape.h, w: shape.w, channels: shape.c, top: shape.padding.top, left: shape.padding.left, norm)
    parallelFor(groups.count * blocks) { task in
      let (group, block) = (task / blocks, task % blocks)
      let inside = squares.of(group: groups.lowerBound + group)
      withUnsafePointer(to: map) {
        dk_winograd_split(
          x.pointer, $0, inside.lowerBound, inside.count, block * Tiles.step,
          values + group * plan.values.group + block * Tiles.planes * Tiles.rows * Tiles.step, plan.values)
      }
    }
  }

  private func multiply(_ memory: UnsafeMutablePointer<UInt16>, _ groups: Int, _ plan: Plan) {
    let frequencies = Int(dk_winograd_frequencies)
    let products = UnsafeMutableRawPointer(memory + plan.productsAt).assumingMemoryBound(to: Float.self)
    let tile = Tiles.planes * Tiles.rows * Tiles.step
    let offsets = (0..<blocks).map { Int64($0 * tile) }
    let tiles = (0..<groups).map {
      dk_tile(
        left: Int64($0 * plan.values.group), out: Int64($0 * plan.products.group), rows: Int64(Tiles.rows))
    }
    // Rows whose values stay in the second-level cache while all panels pass.
    let run = max(2, (768 << 10) / (blocks * tile * 2) / 2 * 2)
    let runs = (groups + run - 1) / run
    offsets.withUnsafeBufferPointer { offsets in
      parallelFor(frequencies * runs) { task in
        let (frequency, first) = (task / runs, task % runs * run)
        var product = dk_tile_product(
          left: memory + plan.valuesAt + frequency * plan.values.frequency, plane: Tiles.rows * Tiles.step,
          offsets: offsets.baseAddress, steps: blocks, right: memory + frequency * plan.weights.frequency,
          panel_stride: blocks * 2 * tile, columns: shape.o,
          out: products + frequency * plan.products.frequency, row_stride: 16,
          block_stride: frequencies * plan.products.frequency, bias: nil, addend: nil, activation: dk_identity
        )
        tiles[first..<min(groups, first + run)].withUnsafeBufferPointer {
          dk_tile_multiply(&product, $0.baseAddress, $0.count, 0, Tiles.panels(of: shape.o))
        }
      }
    }
  }

  private func join(
    _ memory: UnsafeMutablePointer<UInt16>, _ groups: Range<Int>, _ bias: Tensor?, _ residual: Tensor?,
    into y: Tensor, _ plan: Plan
  ) {
    let products = UnsafeMutableRawPointer(memory).assumingMemoryBound(to: Float.self)
    let map = squares.map(h: shape.outH, w: shape.outW, channels: shape.o, top: 0, left: 0)
    let blocks = shape.o / 16
    parallelFor(groups.count) { group in
      let inside = squares.of(group: groups.lowerBound + group)
      withUnsafePointer(to: map) { map in
        for block in 0..<blocks {
          dk_winograd_join(
            products + group * plan.products.group + block * Int(dk_winograd_frequencies)
              * plan.products.frequency,
            plan.products, map, inside.lowerBound, inside.count, block * 16, bias?.pointer, residual?.pointer,
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

  init(_ shape: ConvolutionShape) {
    let side = Int(dk_winograd_out)
    across = (shape.outW + side - 1) / side
    down = (shape.outH + side - 1) / side
    count = shape.n * across * down
  }

  var groups: Int { (count + Tiles.rows - 1) / Tiles.rows }

  func of(group: Int) -> Range<Int> { group * Tiles.rows..<min(count, (group + 1) * Tiles.rows) }

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
