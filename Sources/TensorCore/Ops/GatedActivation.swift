import CKernels

extension Tensor {
  /// a·gelu(b), where a and b are the halves of the last dimension: GEGLU (Shazeer 2020).
  ///
  /// [..., 2D] → [..., D]
  public func gatedByGELU() -> Tensor {
    let x = ordered(.plain)
    let columns = x.shape[x.shape.count - 1] / 2
    precondition(x.shape[x.shape.count - 1] == 2 * columns, "\(shape) has no halves")
    let source = x.saved
    let make = { (x: Tensor) in
      let y = Tensor(uninitialized: x.shape.dropLast() + [columns])
      x.forEachRun(ofRowsOf: 2 * columns) { first, rows in
        dk_geglu(x.pointer + first * 2 * columns, y.pointer + first * columns, rows, columns)
      }
      return y
    }
    return make(x).recorded(inputs: [x], remake: { make(source()) }) { dy, _ in
      let (x, dy) = (source(), dy.ordered(.plain))
      let dx = Tensor(uninitialized: x.shape)
      x.forEachRun(ofRowsOf: 2 * columns) { first, rows in
        let at = first * 2 * columns
        dk_geglu_gradient(x.pointer + at, dy.pointer + first * columns, dx.pointer + at, rows, columns)
      }
      return [dx]
    }
  }

  private func forEachRun(ofRowsOf size: Int, _ body: (_ first: Int, _ rows: Int) -> Void) {
    let (rows, run) = (count / size, 32)
    parallelFor((rows + run - 1) / run) { task in body(task * run, min(run, rows - task * run)) }
  }
}
