import CKernels

/// softmax(q·kᵀ·scale)·v, each head by itself (Vaswani et al. 2017).
///
/// Queries are taken in blocks, so that no T×S matrix is ever in memory; the backward pass computes the probabilities
/// again.
///
/// - Parameters:
///   - q: `[N, T, C]` with C = heads · headSize.
///   - k: `[N, S, C]`.
///   - v: `[N, S, C]`.
/// - Returns: `[N, T, C]`.
public func attention(_ q: Tensor, _ k: Tensor, _ v: Tensor, heads: Int, scale: Float) -> Tensor {
  let (n, t, c) = q.shape3
  let s = k.shape[1]
  precondition(k.shape == [n, s, c] && v.shape == k.shape && c % heads == 0, "attention of unlike shapes")
  let job = AttentionShape(n: n, t: t, s: s, c: c, heads: heads, scale: scale)
  if let tiles = TileAttention(job) { return tiles(q, k, v) }
  let y = Tensor(uninitialized: q.shape)
  job.forEachHead(blocks: job.blocks) { head, rows in
    let scores = Storage(count: rows.count * s)
    job.probabilities(q, k, head, rows, into: scores.pointer)
    MatrixProduct.strided(
      scores.pointer, rowStride: s, v.pointer + job.key(head), rowStride: c,
      y.pointer + job.query(head, rows.lowerBound), rowStride: c, m: rows.count, k: s, n: job.size)
  }
  let (q0, k0, v0) = (q.detached, k.detached, v.detached)
  return y.recorded(inputs: [q, k, v]) { dy, _ in job.gradients(q0, k0, v0, dy) }
}

struct AttentionShape {
  let n: Int, t: Int, s: Int, c: Int, heads: Int
  let scale: Float

  var size: Int { c / heads }
  /// Queries taken at a time: a block's scores stay in the second-level cache.
  let block = 64
  var blocks: [Range<Int>] { stride(from: 0, to: t, by: block).map { $0..<min(t, $0 + block) } }

  /// Where row `row` of a head's queries (or results) begins; `head` counts over the batch too.
  func query(_ head: Int, _ row: Int) -> Int { (head / heads * t + row) * c + head % heads * size }
  func key(_ head: Int) -> Int { head / heads * s * c + head % heads * size }

  func forEachHead(blocks: [Range<Int>], _ body: (_ head: Int, _ rows: Range<Int>) -> Void) {
    parallelFor(n * heads * blocks.count) { task in body(task / blocks.count, blocks[task % blocks.count]) }
  }

  func probabilities(
    _ q: Tensor, _ k: Tensor, _ head: Int, _ rows: Range<Int>, into scores: UnsafeMutablePointer<Float>
  ) {
    MatrixProduct.strided(
      q.pointer + query(head, rows.lowerBound), rowStride: c, k.pointer + key(head), rowStride: c,
      transposeB: true,
      scores, rowStride: s, m: rows.count, k: size, n: s, alpha: scale)
    dk_softmax(scores, rows.count, s)
  }

  /// With P the probabilities: dV = Pᵀ·dY, dP = dY·Vᵀ, dS = P∘(dP − rowsum(P∘dP))·scale, dQ = dS·K, dK = dSᵀ·Q.
  /// A head's blocks run in order on one thread, since all add to the same dK and dV.
  func gradients(_ q: Tensor, _ k: Tensor, _ v: Tensor, _ dy: Tensor) -> [Tensor?] {
    let dq = Tensor(uninitialized: q.shape)
    let (dk, dv) = (Tensor(uninitialized: k.shape), Tensor(uninitialized: v.shape))
    parallelFor(n * heads) { head in
      let (p, ds) = (Storage(count: block * s), Storage(count: block * s))
      let keys = key(head)
      for rows in blocks {
        let (m, queries, beta) = (
          rows.count, query(head, rows.lowerBound), rows.lowerBound == 0 ? Float(0) : 1
        )
        probabilities(q, k, head, rows, into: p.pointer)
        MatrixProduct.strided(
          p.pointer, rowStride: s, transposeA: true, dy.pointer + queries, rowStride: c, dv.pointer + keys,
          rowStride: c, m: s, k: m, n: size, beta: beta)
        MatrixProduct.strided(
          dy.pointer + queries, rowStride: c, v.pointer + keys, rowStride: c, transposeB: true, ds.pointer,
          rowStride: s, m: m, k: size, n: s)
        dk_softmax_gradient(p.pointer, ds.pointer, scale, m, s)
        MatrixProduct.strided(
          ds.pointer, rowStride: s, k.pointer + keys, rowStride: c, dq.pointer + queries, rowStride: c, m: m,
          k: s,
          n: size)
        MatrixProduct.strided(
          ds.pointer, rowStride: s, transposeA: true, q.pointer + queries, rowStride: c, dk.pointer + keys,
          rowStride: c, m: s, k: m, n: size, beta: beta)
      }
    }
    return [dq, dk, dv]
  }
}
