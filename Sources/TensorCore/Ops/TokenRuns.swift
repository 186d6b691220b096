import CKernels

/// The rows of `[N, T, D]` cut into runs within a sample, each a task: a cut that depends on T alone, so that no sample's
/// result depends on the batch or the threads.
struct TokenRuns {
  let n: Int, t: Int, d: Int
  private let length = 32

  init(_ shape: [Int]) {
    precondition(shape.count == 3, "tokens [N, T, D] were needed, not \(shape)")
    (n, t, d) = (shape[0], shape[1], shape[2])
  }

  private var runs: Int { (t + length - 1) / length }
  /// How many tasks there are.
  var count: Int { n * runs }

  /// - Parameters:
  ///   - task: its number.
  ///   - sample: which of the batch it belongs to.
  ///   - row: its first row, counted over the batch.
  ///   - rows: how many rows it has.
  func forEach(_ body: (_ task: Int, _ sample: Int, _ row: Int, _ rows: Int) -> Void) {
    parallelFor(count) { task in
      let (sample, first) = (task / runs, task % runs * length)
      body(task, sample, sample * t + first, min(length, t - first))
    }
  }

  /// Σ over the tasks of a sample, in order: [tasks, D] → [N, D].
  func summed(_ parts: Tensor) -> Tensor {
    let sums = Tensor(uninitialized: [n, d])
    parallelFor(n) { sample in
      dk_column_sums(parts.pointer + sample * runs * d, sums.pointer + sample * d, runs, d, d)
    }
    return sums
  }
}
