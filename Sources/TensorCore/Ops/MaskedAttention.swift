import CKernels

/// Which keys a query of `maskedAttention` sees.
public struct AttentionMask {
  /// Whether token t sees only tokens 0 … t, as in a language model.
  public var isCausal: Bool
  /// `[N, S]`, 0 where no query of the sample sees the key; nil where all do.
  public var keys: Tensor?

  /// - Parameters:
  ///   - isCausal: whether token t sees only tokens 0 … t.
  ///   - keys: `[N, S]`, 0 where no query of the sample sees the key.
  public init(isCausal: Bool = false, keys: Tensor? = nil) { (self.isCausal, self.keys) = (isCausal, keys) }
}

/// softmax(q·kᵀ·scale)·v over the keys that the mask lets a query see, each head by itself; a query that sees none gives 0.
///
/// For the few keys of a text. `attention` is many times as fast where every key is seen.
///
/// - Parameters:
///   - q: `[N, T, C]` with C = heads · headSize.
///   - k: `[N, S, C]`.
///   - v: `[N, S, C]`.
/// - Returns: `[N, T, C]`.
public func maskedAttention(
  _ q: Tensor, _ k: Tensor, _ v: Tensor, heads: Int, scale: Float, mask: AttentionMask
) -> Tensor {
  let job = MaskedAttention(q, k, v, heads: heads, scale: scale, mask: mask)
  let y = Tensor(uninitialized: q.shape)
  let logSums = Storage(count: job.n * heads * job.t)
  job.forward(into: y, logSums)
  let result = y.detached
  return y.recorded(inputs: [q, k, v]) { dy, _ in job.gradients(result, dy.ordered(.plain), logSums) }
}

private struct MaskedAttention {
  let q: Tensor, k: Tensor, v: Tensor
  let seen: Tensor?
  let n: Int, t: Int, s: Int, c: Int, heads: Int
  let scale: Float
  let isCausal: Bool

  init(_ q: Tensor, _ k: Tensor, _ v: Tensor, heads: Int, scale: Float, mask: AttentionMask) {
    let (n, t, c) = q.shape3
    let s = k.shape[1]
    precondition(k.shape == [n, s, c] && v.shape == k.shape && c % heads == 0, "attention of unlike shapes")
    precondition(mask.keys.map { $0.shape == [n, s] } ?? true, "a mask that is not [\(n), \(s)]")
    (self.n, self.t, self.s, self.c) = (n, t, s, c)
    (self.q, self.k, self.v) = (q.detached, k.detached, v.detached)
    (seen, isCausal) = (mask.keys?.detached, mask.isCausal)
    (self.heads, self.scale) = (heads, scale)
  }

  private func shape(_ sample: Int) -> dk_masked_shape {
    dk_masked_shape(
      queries: t, keys: s, size: c / heads, row_stride: c, scale: scale, causal: isCausal ? 1 : 0,
      seen: seen.map { UnsafePointer($0.pointer + sample * s) })
  }

  /// Where a head's queries begin and where its keys do; `number` counts heads over the batch.
  private func places(_ number: Int) -> (sample: Int, query: Int, key: Int) {
    let (sample, head) = (number / heads, number % heads * (c / heads))
    return (sample, sample * t * c + head, sample * s * c + head)
  }

  func forward(into y: Tensor, _ logSums: Storage) {
    let run = 64
    let runs = (t + run - 1) / run
    parallelFor(n * heads * runs) { task in
      let (number, first) = (task / runs, task % runs * run)
      let at = places(number)
      let scores = Storage(count: s)
      dk_masked_attention(
        shape(at.sample), q.pointer + at.query, k.pointer + at.key, v.pointer + at.key, first,
        min(run, t - first), y.pointer + at.query, logSums.pointer + number * t, scores.pointer)
    }
  }

  /// A head runs on one thread, since all its queries add to the same gradients.
  func gradients(_ y: Tensor, _ dy: Tensor, _ logSums: Storage) -> [Tensor?] {
    let dq = Tensor(uninitialized: q.shape)
    let (dk, dv) = (Tensor(uninitialized: k.shape), Tensor(uninitialized: v.shape))
    parallelFor(n * heads) { number in
      let at = places(number)
      dk_masked_attention_gradient(
        shape(at.sample), q.pointer + at.query, k.pointer + at.key, v.pointer + at.key, y.pointer + at.query,
        dy.pointer + at.query, logSums.pointer + number * t, dq.pointer + at.query, dk.pointer + at.key,
        dv.pointer + at.key)
    }
    return [dq, dk, dv]
  }
}
