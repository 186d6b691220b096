import CKernels

/// The matrix product of the processor in use; see `product.h`.
///
/// A result's bits depend on nothing but the row and the column that it is made of: not on the batch, not on the number
/// of threads.
enum Product {
  /// Rows of a tile.
  static let rows = Int(dk_tile_rows)
  /// Columns of a panel.
  static let panel = Int(dk_tile_panel)

  static var kernel: dk_product_kernel { dk_product_in_use().pointee }
  /// Terms of a step.
  static var step: Int { Int(kernel.step) }
  /// Values that a term is split into.
  static var planes: Int { Int(kernel.planes) }
  /// Bytes of one such value.
  static var bytes: Int { Int(kernel.bytes) }
  /// Whether an operand's values are floats as they are.
  static var takesFloats: Bool { bytes == 4 }

  static func steps(of k: Int) -> Int { (k + step - 1) / step }
  static func panels(of columns: Int) -> Int { (columns + panel - 1) / panel }
  /// Values of one step of a panel.
  static var panelStep: Int { planes * step * panel }

  /// Part number `part` of `parts` equal ones of all panels of `columns` columns; the last may be shorter or empty.
  static func share(_ part: Int, of parts: Int, columns: Int) -> Range<Int> {
    let all = panels(of: columns)
    let share = (all + parts - 1) / parts
    return min(all, part * share)..<min(all, (part + 1) * share)
  }
}

/// A left operand: rows of `k` terms.
struct LeftOperand {
  let rows: Int
  let k: Int
  private let values: UnsafeMutableRawPointer

  /// Room for `rows` rows, and for the tile that begins at the last of them.
  init(rows: Int, k: Int) {
    self.rows = rows + Product.rows
    self.k = k
    let terms = Product.steps(of: k) * self.rows * Product.step
    values = dk_scratch(dk_scratch_of_task, Product.planes * terms * Product.bytes)
  }

  private init(rows: Int, k: Int, values: UnsafeMutableRawPointer) {
    (self.rows, self.k, self.values) = (rows, k, values)
  }

  /// Rows that lie in memory as the product takes them, `[k/step, rows, step]`; for products of one plane.
  static func inPlace(_ values: UnsafeMutableRawPointer, rows: Int, k: Int) -> LeftOperand {
    LeftOperand(rows: rows, k: k, values: values)
  }

  private var plane: Int { Product.steps(of: k) * rows * Product.step }

  /// Where rows from `row` on are written.
  func place(_ row: Int) -> dk_left {
    dk_left(left: values + row * Product.step * Product.bytes, rows: rows, plane: plane)
  }

  /// Where each step's rows begin, from a tile's own beginning.
  var offsets: [Int64] { (0..<Product.steps(of: k)).map { Int64($0 * rows * Product.step) } }

  /// The product of `tiles` of these rows with `panels` of a packed right operand, from `step` on of its steps. `offsets`
  /// says where each step's rows begin.
  func multiply(
    _ tiles: [dk_tile], by right: RightOperand, from step: Int = 0, offsets: [Int64], panels: Range<Int>,
    into target: ProductTarget
  ) {
    withExtendedLifetime(right) {
      multiply(
        tiles, by: UnsafeRawPointer(right.values.pointer) + step * Product.panelStep * Product.bytes,
        steps: right.steps, offsets: offsets, panels: panels, into: target)
    }
  }

  /// The same with panels of `steps` steps each.
  func multiply(
    _ tiles: [dk_tile], by right: UnsafeRawPointer, steps: Int, offsets: [Int64], panels: Range<Int>,
    into target: ProductTarget, chain: Int = Int(dk_chain)
  ) {
    offsets.withUnsafeBufferPointer { offsets in
      var product = dk_product(
        left: values, plane: plane, offsets: offsets.baseAddress, steps: offsets.count,
        chain: chain, right: right,
        panel_stride: steps * Product.panelStep, columns: target.columns, out: target.pointer,
        row_stride: target.rowStride, block_stride: target.blockStride, bias: target.bias,
        addend: target.addend, activation: target.activation.kernel)
      Product.kernel.multiply(&product, tiles, tiles.count, panels.lowerBound, panels.upperBound)
    }
  }
}

/// A right operand: panels of 32 columns, `steps` of some k and a tap each.
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

  private var steps: Int { Product.steps(of: k) * taps }

  /// Packs `weight` anew.
  func pack(_ weight: Tensor) -> RightOperand { RightOperand(values: packed(weight), steps: steps) }

  private func packed(_ weight: Tensor) -> Storage {
    let panelBytes = steps * Product.panelStep * Product.bytes
    let packed = Storage(count: Product.panels(of: columns) * panelBytes / 4)
    let values = UnsafeMutableRawPointer(packed.pointer)
    withExtendedLifetime(weight) {
      parallelFor(Product.panels(of: columns)) { panel in
        let column = panel * Product.panel
        Product.kernel.pack_panel(
          weight.pointer + first + column * columnStride, kStride, tapStride, columnStride, k, taps,
          min(Product.panel, columns - column), values + panel * panelBytes)
      }
    }
    return packed
  }

  /// The same, kept beside the weight until it changes.
  func cached(_ weight: Tensor) -> RightOperand {
    RightOperand(values: weight.storage.derived(for: Key.of(self)) { packed(weight) }, steps: steps)
  }

  /// Winograd's points of the weight, of squares of `side`, made by `make` and kept beside it in the same way.
  func cached(_ weight: Tensor, side: Int, make: () -> Storage) -> Storage {
    weight.storage.derived(for: Key.of(self, side: side), make: make)
  }

  /// One object a layout and format, by which a weight knows its copies.
  private final class Key {
    private struct Name: Hashable {
      let layout: RightLayout
      let bytes: Int, planes: Int
      /// Of Winograd's squares; 0 for the weight as it is.
      let side: Int
    }

    // Used on the thread that runs the model; see `Tape.current`.
    nonisolated(unsafe) private static var all: [Name: Key] = [:]

    static func of(_ layout: RightLayout, side: Int = 0) -> Key {
      let name = Name(layout: layout, bytes: Product.bytes, planes: Product.planes, side: side)
      if let known = all[name] { return known }
      let made = Key()
      all[name] = made
      return made
    }
  }
}

/// Where the rows and columns of a product go: value (row, column) at row·rowStride + column/16·blockStride + column%16.
struct ProductTarget {
  let pointer: UnsafeMutablePointer<Float>
  let columns: Int, rowStride: Int, blockStride: Int
  var bias: UnsafePointer<Float>?
  /// Added; laid out as the target.
  var addend: UnsafePointer<Float>?
  /// Of the whole.
  var activation = Activation.identity
}
