import CKernels

/// How many threads compute: at first one for each processor that the process may use. No result depends on it.
public var threadCount: Int {
  get { Int(dk_get_threads()) }
  set { dk_set_threads(Int32(newValue)) }
}

/// Runs `body(0) … body(tasks − 1)`, each once, on any thread. Nested calls run in order on the calling thread.
package func parallelFor(_ tasks: Int, _ body: (Int) -> Void) {
  withoutActuallyEscaping(body) { body in
    var body = body
    withUnsafeMutablePointer(to: &body) { context in
      dk_parallel_for(
        tasks,
        { context, task in
          guard let context else { return }
          context.assumingMemoryBound(to: ((Int) -> Void).self).pointee(task)
        }, context)
    }
  }
}

/// Cuts 0 ..< count into runs whose length depends on nothing but `count`, and gives each to `body`.
package func parallelRuns(_ count: Int, _ body: (Range<Int>) -> Void) {
  let run = 16_384
  parallelFor((count + run - 1) / run) { task in
    body(task * run..<min(count, (task + 1) * run))
  }
}
