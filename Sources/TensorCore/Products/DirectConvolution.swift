import CKernels

/// Convolution without Winograd's detour: the product over channels and taps, whose left rows are pixels.
///
/// The pixels of a tile must lie side by side for every tap. Where the width is a multiple of 16 that holds in one padded
/// copy of the map. Elsewhere a copy is made for each column of taps, already shifted, so that rows of pixels follow each
/// other without padding; at a stride, one for each tap.
struct DirectConvolution {
  private let shape: ConvolutionShape
  private let target: [Int]
  private let shifts: [(y: Int, x: Int)]
  private let pitch: Int
  private let isPadded: Bool

  init(_ shape: ConvolutionShape) {
    target = shape.target
    var shape = shape
    if shape.kh == 1, shape.kw == 1, shape.stride == 1, shape.padding == .all(0), shape.h * shape.w <= 1024 {
      // Pixels that mean nothing to each other: one long line.
      (shape.h, shape.w) = (1, shape.h * shape.w)
    }
    self.shape = shape
    isPadded = shape.stride == 1 && shape.outW % Product.rows == 0
    if isPadded {
      shifts = [(0, 0)]
      pitch = shape.outW + shape.kw - 1
    } else {
      let rows = shape.stride == 1 ? 1 : shape.kh
      shifts = (0..<rows).flatMap { y in (0..<shape.kw).map { (y, $0) } }
      pitch = shape.outW
    }
  }

  /// How the weight is packed.
  var weights: RightLayout { RightLayout(weightOf: shape) }

  /// Images and rows of output that one task computes.
  private struct Chunk {
    let images: Range<Int>, rows: Range<Int>
  }

  /// As many pixels as have planes of about 1 MiB: enough to use each panel often, few enough to stay in the second-level
  /// cache. Images are taken in powers of two and rows in equal bands, so that threads end together.
  private var chunks: [Chunk] {
    let pixels = shape.outH * shape.outW
    let most = max(32, (1 << 20) / (shape.c * Product.bytes * Product.planes * shifts.count))
    let bands = max(1, (shape.outH * shape.outW + most / 2) / most)
    let band = (shape.outH + bands - 1) / bands
    var images = 1
    while images * 2 * pixels * 3 <= most * 4, images * 2 * threadCount <= shape.n { images *= 2 }
    return stride(from: 0, to: shape.n, by: images).flatMap { n in
      stride(from: 0, to: shape.outH, by: band).map { y in
        Chunk(images: n..<min(shape.n, n + images), rows: y..<min(shape.outH, y + band))
      }
    }
  }

  /// A packed weight and what is added to its product; `residual` is a map of the result's shape.
  struct Weight {
    let packed: RightOperand
    let bias: Tensor?
    var residual: Tensor?
  }

  /// norm(x) ∗ weight + bias + residual in the order that convolutions like best.
  func callAsFunction(_ x: Tensor, after normalization: GroupNormalization? = nil, _ weight: Weight) -> Tensor
  {
    self(x, after: normalization, [weight], order: .preferred(channels: shape.o))[0]
  }

  /// The same for several weights, whose pixels are split once, in `order`: blocks of 16 channels, or channels last.
  func callAsFunction(
    _ x: Tensor, after normalization: GroupNormalization? = nil, _ weights: [Weight], order: MemoryOrder
  ) -> [Tensor] {
    var x = x.ordered(x.order == .channelsLast(shape.c) ? x.order : .preferred(channels: shape.c))
    var onTheWay: NormalizedOnTheWay?
    if let normalization {
      if x.order.channelBlock == 16, shape.stride == 1 {
        onTheWay = normalization.job(x).coefficients(x)
      } else {
        x = normalization(x)
      }
    }
    let results = weights.map { _ in Tensor(uninitialized: target, order: order) }
    let targets = zip(weights, results).map { weight, y in
      (weight, y, residual: weight.residual?.ordered(order))
    }
    let (chunks, allPanels) = (chunks, Product.panels(of: shape.o))
    // Few chunks: the panels are shared among threads instead, each of which splits the pixels for itself.
    let parts = chunks.count >= 2 * threadCount ? 1 : min(allPanels, threadCount)
    withExtendedLifetime((x, targets, onTheWay)) {
      parallelFor(chunks.count * parts) { task in
        let panels = Product.share(task % parts, of: parts, columns: shape.o)
        if panels.isEmpty { return }
        let chunk = chunks[task / parts]
        let left = split(x, onTheWay, chunk)
        let (tiles, offsets) = (tiles(chunk, order), offsets(left, chunk))
        for (weight, y, residual) in targets {
          let block = order.channelBlock
          let target = ProductTarget(
            pointer: y.pointer, columns: shape.o, rowStride: block,
            blockStride: block == 16 ? shape.outH * shape.outW * 16 : 16,
            bias: weight.bias.map { UnsafePointer($0.pointer) },
            addend: residual.map { UnsafePointer($0.pointer) })
          left.multiply(tiles, by: weight.packed, offsets: offsets, panels: panels, into: target)
        }
      }
    }
    return results
  }

  private func height(_ chunk: Chunk) -> Int {
    shape.stride == 1 ? chunk.rows.count + shape.kh - 1 : chunk.rows.count
  }

  private func copyRows(_ chunk: Chunk) -> Int { chunk.images.count * height(chunk) * pitch }

  private func split(_ x: Tensor, _ norm: NormalizedOnTheWay?, _ chunk: Chunk) -> LeftOperand {
    let left = LeftOperand(rows: shifts.count * copyRows(chunk), k: shape.c)
    let block = x.order.channelBlock
    let lines = height(chunk)
    var row = 0
    for shift in shifts {
      // Lines and columns of the copy whose source lies inside the map.
      let y0 = chunk.rows.lowerBound * shape.stride + shift.y - shape.padding.top
      let x0 = shift.x - shape.padding.left
      let (across, down) = (
        inside(from: x0, count: pitch, of: shape.w), inside(from: y0, count: lines, of: shape.h)
      )
      var map = dk_map_lines(
        lines: lines, zero_lines_before: down.lowerBound, zero_lines_after: lines - down.upperBound,
        zeros_before: across.lowerBound, count: across.count, zeros_after: pitch - across.upperBound,
        line_stride: shape.stride * shape.w * block, row_stride: shape.stride * block,
        block_stride: block == 16 ? shape.h * shape.w * 16 : 16, gain: nil, offset: nil,
        activation: (norm?.activation ?? .identity).kernel)
      let first = (y0 + down.lowerBound * shape.stride) * shape.w + x0 + across.lowerBound * shape.stride
      for image in chunk.images {
        let source = x.pointer + image * shape.c * shape.h * shape.w + (down.isEmpty ? 0 : first * block)
        if let norm {
          map.gain = UnsafePointer(norm.gain.pointer + image * shape.c)
          map.offset = UnsafePointer(norm.offset.pointer + image * shape.c)
        }
        Product.kernel.split_map(source, map, shape.c, left.place(row))
        row += lines * pitch
      }
    }
    return left
  }

  /// Which of the places `from`, `from` + stride, … lie in 0 ..< size.
  private func inside(from: Int, count: Int, of size: Int) -> Range<Int> {
    let first = min(count, max(0, (shape.stride - 1 - from) / shape.stride))
    let last = size > from ? (size - 1 - from) / shape.stride + 1 : 0
    return first..<max(first, min(count, last))
  }

  private func tiles(_ chunk: Chunk, _ order: MemoryOrder) -> [dk_tile] {
    let pixels = chunk.rows.count * shape.outW
    return chunk.images.flatMap { image in
      stride(from: 0, to: pixels, by: Product.rows).map { pixel in
        let line = (image - chunk.images.lowerBound) * height(chunk) * pitch
        let row = isPadded ? pixel / shape.outW * pitch + pixel % shape.outW : pixel
        let out = image * shape.o * shape.outH * shape.outW
        return dk_tile(
          left: Int64((line + row) * Product.step),
          out: Int64(out + (chunk.rows.lowerBound * shape.outW + pixel) * order.channelBlock),
          rows: Int64(min(Product.rows, pixels - pixel)))
      }
    }
  }

  /// Each step's rows: blocks of channels, and within each the taps.
  private func offsets(_ left: LeftOperand, _ chunk: Chunk) -> [Int64] {
    let copy = copyRows(chunk)
    return left.offsets.flatMap { block in
      (0..<shape.kh).flatMap { y in
        (0..<shape.kw).map { x in
          let rows =
            isPadded ? y * pitch + x : shape.stride == 1 ? x * copy + y * pitch : (y * shape.kw + x) * copy
          return block + Int64(rows * Product.step)
        }
      }
    }
  }
}
