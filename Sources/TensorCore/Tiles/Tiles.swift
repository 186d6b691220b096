import CKernels

/// Products in f32 on the machine's AMX tiles, where it has them; see `tiles.h`.
///
/// A result's bits depend on nothing but the row and the column that it is made of: not on the batch, not on the number
/// of threads.
package enum Tiles {
  /// Whether products run on tiles. Tests clear it to hold the other way against the same fixtures.
  // Set before anything computes, by tests alone.
  nonisolated(unsafe) package static var areUsed = dk_tiles_usable() != 0

  /// Whether a product of `k` terms is worth a step of 32: fewer are mostly padding.
  static func suit(terms k: Int) -> Bool { areUsed && k >= 16 }

  static let rows = Int(dk_tile_rows)
  static let step = Int(dk_tile_step)
  static let planes = Int(dk_tile_planes)
  static let panel = Int(dk_tile_panel)

  /// Part number `part` of `parts` equal ones of all panels of `columns` columns; the last may be shorter or empty.
  static func share(_ part: Int, of parts: Int, columns: Int) -> Range<Int> {
    let all = panels(of: columns)
    let share = (all + parts - 1) / parts
    return min(all, part * share)..<min(all, (part + 1) * share)
  }

  static func blocks(of k: Int) -> Int { (k + step - 1) / step }
  static func panels(of columns: Int) -> Int { (columns + panel - 1) / panel }
}

/// A left operand: rows of `k` values, split into planes.
struct LeftOperand {
  let rows: Int
  let k: Int
  private let values: UnsafeMutablePointer<UInt16>

  /// Room for `rows` rows, and for the tile that begins at the last of them.
  init(rows: Int, k: Int) {
    self.rows = rows + Tiles.rows
    self.k = k
    values = dk_scratch(dk_scratch_of_task, Tiles.planes * Tiles.blocks(of: k) * self.rows * Tiles.step * 2)
      .assumingMemoryBound(to: UInt16.self)
  }

  var plane: Int { Tiles.blocks(of: k) * rows * Tiles.step }

  /// Where rows from `row` on are written.
  func place(_ row: Int) -> dk_left { dk_left(left: values + row * Tiles.step, rows: rows, plane: plane) }

  /// Where each block of 32 k begins, from a tile's own beginning.
  var offsets: [Int64] { (0..<Tiles.blocks(of: k)).map { Int64($0 * rows * Tiles.step) } }
}

/// A right operand: panels of 32 columns, `steps` of 32 k and a tap each.
struct RightOperand {
  let values: Storage
  let steps: Int
}

/// How a weight is packed as a right operand: where value (k, tap, column) lies in it.
struct RightLayout: Hashable {
  var k: Int, taps = 1, columns: Int
  var kStride: Int, tapStride = 0, columnStride: Int
  /// Where value (0, 0, 0) lies.
  var first = 0

  private var steps: Int { Tiles.blocks(of: k) * taps }

  /// Packs `weight` anew.
  func pack(_ weight: Tensor) -> RightOperand { RightOperand(values: packed(weight), steps: steps) }

  private func packed(_ weight: Tensor) -> Storage {
    let panelCount = steps * Tiles.planes * Tiles.step * Tiles.panel
    let packed = Storage(count: Tiles.panels(of: columns) * panelCount / 2)
    let values = UnsafeMutableRawPointer(packed.pointer).assumingMemoryBound(to: UInt16.self)
    withExtendedLifetime(weight) {
      parallelFor(Tiles.panels(of: columns)) { panel in
        let column = panel * Tiles.panel
        dk_pack_panel(
          weight.pointer + first + column * columnStride, kStride, tapStride, columnStride, k, taps,
          min(Tiles.panel, columns - column), values + panel * panelCount)
      }
    }
    return packed
  }

  /// The same, kept beside the weight until it changes.
  func kept(_ weight: Tensor) -> RightOperand {
    RightOperand(values: weight.storage.derived(for: Key.of(self)) { packed(weight) }, steps: steps)
  }

  /// One object a layout, by which a weight knows its copies.
  private final class Key {
    // Used on the thread that runs the model; see `Tape.current`.
    nonisolated(unsafe) private static var all: [RightLayout: Key] = [:]

    static func of(_ layout: RightLayout) -> Key {
      if let known = all[layout] { return known }
      let made = Key()
      all[layout] = made
      return made
    }
  }
}

/// Where the rows and columns of a product go: value (row, column) at row·rowStride + column/16·blockStride + column%16.
struct TileTarget {
  let pointer: UnsafeMutablePointer<Float>
  let columns: Int, rowStride: Int, blockStride: Int
  var bias: UnsafePointer<Float>?
  /// Added; laid out as the target.
  var addend: UnsafePointer<Float>?
  /// Of the whole.
  var activation = Activation.identity
}

extension LeftOperand {
  /// The product of `tiles` of these rows with `panels` of a packed right operand, from `step` on of its steps. `offsets`
  /// says where each step's rows begin.
  func multiply(
    _ tiles: [dk_tile], by right: RightOperand, from step: Int = 0, offsets: [Int64], panels: Range<Int>,
    into target: TileTarget
  ) {
    let values = UnsafeMutableRawPointer(right.values.pointer).assumingMemoryBound(to: UInt16.self)
    withExtendedLifetime(right) {
      multiply(
        tiles, by: values + step * Tiles.planes * Tiles.step * Tiles.panel, steps: right.steps,
        offsets: offsets,
        panels: panels, into: target)
    }
  }

  /// The same with panels of `steps` steps each.
  func multiply(
    _ tiles: [dk_tile], by right: UnsafePointer<UInt16>, steps: Int, offsets: [Int64], panels: Range<Int>,
    into target: TileTarget
  ) {
    offsets.withUnsafeBufferPointer { offsets in
      var product = dk_tile_product(
        left: self.values, plane: plane, offsets: offsets.baseAddress, steps: offsets.count, right: right,
        panel_stride: steps * Tiles.planes * Tiles.step * Tiles.panel, columns: target.columns,
        out: target.pointer, row_stride: target.rowStride, block_stride: target.blockStride,
        bias: target.bias, addend: target.addend, activation: target.activation.kernel)
      dk_tile_multiply(&product, tiles, tiles.count, panels.lowerBound, panels.upperBound)
    }
  }
}
