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
  if let list = ProductList.current {
    list.addAttention(job)
    return .zeros(q.shape)
  }
  return AttentionHeads(job)(q, k, v)
}

struct AttentionShape {
  let n: Int, t: Int, s: Int, c: Int, heads: Int
  let scale: Float

  var size: Int { c / heads }
  /// Where row `row` of a head's queries (or results) begins; `head` counts over the batch too.
  func query(_ head: Int, _ row: Int) -> Int { (head / heads * t + row) * c + head % heads * size }
  func key(_ head: Int) -> Int { head / heads * s * c + head % heads * size }
}
