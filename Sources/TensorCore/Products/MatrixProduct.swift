import CKernels

/// Matrix products of which several results are made of the same left operands.
struct MatrixProduct {
  /// The left operands, [m, k] each, or [k, m] where they are to be transposed.
  let a: [Tensor]
  var transposeA = false
  let m: Int, k: Int, n: Int
  var activation = Activation.identity

  /// activation(Σ op(aᵢ)·op(bᵢ) + bias), [m, n], dense and row-major; op(bᵢ) is [k, n].
  struct Result {
    let b: [Tensor]
    var bias: Tensor?
    let y: Tensor
  }

  /// Terms summed at a time: of longer rows fewer would fit in the second-level cache beside a panel, and the panels would
  /// pass by more often. Depends on `k` alone, as a result's bits may.
  private var depth: Int {
    let parts = (k + 511) / 512
    return (Product.steps(of: k) + parts - 1) / parts * Product.step
  }

  /// - Parameter keepingB: whether what is made ready of the right operands stays beside them, since they will be used
  ///   again.
  func run(into results: [Result], transposeB: Bool = false, keepingB: Bool = false) {
    let layout = RightLayout(
      k: k, columns: n, kStride: transposeB ? 1 : n, columnStride: transposeB ? k : 1)
    let rights = results.map { $0.b.map { keepingB ? layout.cached($0) : layout.pack($0) } }
    let depth = depth
    // Enough rows to use each panel often, few enough that they take no more than a third of the second-level cache.
    let most = (576 << 10) / (Product.planes * Product.bytes)
    let run = max(32, min(512, most / depth / 32 * 32))
    let chunks = (m + run - 1) / run
    // Few rows, which would leave threads idle: the panels are shared among them as well, and each splits the rows for itself.
    let parts =
      chunks % threadCount == 0 ? 1 : min(Product.panels(of: n), (2 * threadCount + chunks - 1) / chunks)
    let pieces = a.indices.flatMap { i in
      stride(from: 0, to: k, by: depth).map { (operand: i, terms: $0..<min(k, $0 + depth)) }
    }
    withExtendedLifetime((a, results)) {
      parallelFor(chunks * parts) { task in
        let rows = task / parts * run..<min(m, (task / parts + 1) * run)
        let panels = Product.share(task % parts, of: parts, columns: n)
        if panels.isEmpty { return }
        let tiles = stride(from: 0, to: rows.count, by: Product.rows).map { row in
          dk_tile(
            left: Int64(row * Product.step), out: Int64((rows.lowerBound + row) * n),
            rows: Int64(min(Product.rows, rows.count - row)))
        }
        for (number, piece) in pieces.enumerated() {
          let left = split(a[piece.operand], rows, piece.terms)
          let (isFirst, isLast) = (number == 0, number == pieces.count - 1)
          for (result, right) in zip(results, rights) {
            let target = ProductTarget(
              pointer: result.y.pointer, columns: n, rowStride: n, blockStride: 16,
              bias: isFirst ? result.bias.map { UnsafePointer($0.pointer) } : nil,
              addend: isFirst ? nil : UnsafePointer(result.y.pointer),
              activation: isLast ? activation : .identity)
            left.multiply(
              tiles, by: right[piece.operand], from: piece.terms.lowerBound / Product.step,
              offsets: left.offsets, panels: panels, into: target)
          }
        }
      }
    }
  }

  private func split(_ a: Tensor, _ rows: Range<Int>, _ terms: Range<Int>) -> LeftOperand {
    let left = LeftOperand(rows: rows.count, k: terms.count)
    if transposeA {
      Product.kernel.split_columns(
        a.pointer + terms.lowerBound * m + rows.lowerBound, m, terms.count, rows.count, left.place(0))
    } else {
      let lines = dk_map_lines(
        lines: 1, zero_lines_before: 0, zero_lines_after: 0, zeros_before: 0, count: rows.count,
        zeros_after: 0, line_stride: 0, row_stride: k, block_stride: 16, gain: nil, offset: nil,
        activation: dk_identity)
      Product.kernel.split_map(
        a.pointer + rows.lowerBound * k + terms.lowerBound, lines, terms.count, left.place(0))
    }
    return left
  }
}
