import CKernels

/// The heads of an attention, each by itself; see `attention.h`.
struct AttentionHeads {
  private let job: AttentionShape
  private let head: dk_attention_shape

  init(_ job: AttentionShape) {
    self.job = job
    head = dk_attention_shape(
      queries: job.t, keys: job.s, size: job.size, row_stride: job.c, scale: job.scale)
  }

  func callAsFunction(_ q: Tensor, _ k: Tensor, _ v: Tensor) -> Tensor {
    let y = Tensor(uninitialized: q.shape)
    let logSums = Storage(count: job.n * job.heads * job.t)
    forward(q, k, v, into: y, logSums)
    let (q0, k0, v0, y0) = (q.detached, k.detached, v.detached, y.detached)
    return y.recorded(inputs: [q, k, v]) { dy, _ in gradients(q0, k0, v0, y0, dy.ordered(.plain), logSums) }
  }

  private func forward(_ q: Tensor, _ k: Tensor, _ v: Tensor, into y: Tensor, _ logSums: Storage) {
    let (heads, panels, blocks) = (job.n * job.heads, dk_attention_panels(head), dk_attention_blocks(head))
    // All blocks of queries read their head's keys and values packed; those of a few heads at a time.
    let some = max(1, min(heads, (16 << 20) / (2 * panels)))
    let packed = Storage(count: some * 2 * panels / 4)
    let memory = UnsafeMutableRawPointer(packed.pointer)
    withExtendedLifetime((q, k, v, y, logSums, packed)) {
      for first in stride(from: 0, to: heads, by: some) {
        let count = min(some, heads - first)
        parallelFor(2 * count) { task in
          let (at, isKey) = (job.key(first + task / 2), task % 2 == 0)
          dk_attention_pack(
            head, (isKey ? k : v).pointer + at, isKey ? 1 : 0, memory + task * panels)
        }
        parallelFor(count * blocks) { task in
          let (number, block) = (task / blocks, task % blocks)
          let (keys, at) = (memory + 2 * number * panels, job.query(first + number, 0))
          dk_attention_forward(
            head, q.pointer + at, keys, keys + panels, block, y.pointer + at,
            logSums.pointer + (first + number) * job.t)
        }
      }
    }
  }

  /// A head's blocks run in order on one thread, since all add to the same gradients.
  private func gradients(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, _ y: Tensor, _ dy: Tensor, _ logSums: Storage
  ) -> [Tensor?] {
    let dq = Tensor(uninitialized: q.shape)
    let (dk, dv) = (Tensor(uninitialized: k.shape), Tensor(uninitialized: v.shape))
    withExtendedLifetime((q, k, v, y, dy, logSums)) {
      parallelFor(job.n * job.heads) { number in
        let (query, key) = (job.query(number, 0), job.key(number))
        dk_attention_backward(
          head, q.pointer + query, k.pointer + key, v.pointer + key, y.pointer + query, dy.pointer + query,
          logSums.pointer + number * job.t, dq.pointer + query, dk.pointer + key, dv.pointer + key)
      }
    }
    return [dq, dk, dv]
  }
}
