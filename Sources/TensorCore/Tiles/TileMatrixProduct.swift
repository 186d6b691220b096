import CKernels

/// Matrix products on tiles.
enum TileMatrixProduct {
  /// y[m, n] = op(a)·right + bias; op(a) is [m, k], y dense and row-major, `right` packed.
  static func run(
    _ a: Tensor, transposeA: Bool, _ right: Storage, bias: Tensor?, into y: Tensor, m: Int, k: Int, n: Int
  ) {
    // Enough rows to use each panel often, few enough that their planes stay in the second-level cache.
    let run = max(32, min(512, (256 << 10) / max(k, 32) / 32 * 32))
    let target = TileTarget(
      pointer: y.pointer, columns: n, rowStride: n, blockStride: 16,
      bias: bias.map { UnsafePointer($0.pointer) })
    let chunks = (m + run - 1) / run
    // Few rows: the panels are shared among threads instead.
    let parts = chunks >= 2 * threadCount ? 1 : min(Tiles.panels(of: n), 2 * threadCount)
    let share = (Tiles.panels(of: n) + parts - 1) / parts
    withExtendedLifetime((a, bias, y)) {
      parallelFor(chunks * parts) { task in
        let rows = task / parts * run..<min(m, (task / parts + 1) * run)
        let panels = task % parts * share..<min(Tiles.panels(of: n), (task % parts + 1) * share)
        if panels.isEmpty { return }
        let left = LeftOperand(rows: rows.count, k: k)
        if transposeA {
          dk_split_columns(a.pointer + rows.lowerBound, m, k, rows.count, left.place(0))
        } else {
          let lines = dk_map_lines(
            lines: 1, zero_lines_before: 0, zero_lines_after: 0, zeros_before: 0, count: rows.count,
            zeros_after: 0, line_stride: 0, row_stride: k, block_stride: 16, gain: nil, offset: nil,
            activation: dk_identity)
          dk_split_map(a.pointer + rows.lowerBound * k, lines, k, left.place(0))
        }
        let tiles = stride(from: 0, to: rows.count, by: Tiles.rows).map { row in
          dk_tile(
            left: Int64(row * Tiles.step), out: Int64((rows.lowerBound + row) * n),
            rows: Int64(min(Tiles.rows, rows.count - row)))
        }
        left.multiply(tiles, by: right, offsets: left.offsets, panels: panels, into: target)
      }
    }
  }
}
