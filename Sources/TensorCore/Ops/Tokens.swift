import CKernels

extension Tensor {
  /// x + gate·y, where each sample has one gate a channel: the residual of DiT's adaLN-Zero (Peebles & Xie 2023).
  ///
  /// - Parameters:
  ///   - y: `[N, T, D]`, as this one.
  ///   - gate: `[N, D]`.
  public func adding(_ y: Tensor, gate: Tensor) -> Tensor {
    let runs = TokenRuns(shape)
    let d = runs.d
    precondition(
      y.shape == shape && gate.shape == [runs.n, d], "\(gate.shape) gates \(y.shape) onto \(shape)")
    let sum = Tensor(uninitialized: shape)
    runs.forEach { _, sample, row, rows in
      dk_gated_add(
        pointer + row * d, gate.pointer + sample * d, y.pointer + row * d, sum.pointer + row * d, rows, d)
    }
    let (branch, factors) = (y.saved, gate.detached)
    return sum.recorded(inputs: [self, y, gate]) { dsum, _ in
      let y = branch()
      let (dy, parts) = (Tensor(uninitialized: y.shape), Tensor(uninitialized: [runs.count, d]))
      runs.forEach { task, sample, row, rows in
        dk_gated_add_gradient(
          factors.pointer + sample * d, y.pointer + row * d, dsum.pointer + row * d, dy.pointer + row * d,
          parts.pointer + task * d, rows, d)
      }
      return [dsum, dy, runs.summed(parts)]
    }
  }

  /// The same values added to every sample.
  ///
  /// - Parameter each: this one's shape without the batch.
  public func adding(each: Tensor) -> Tensor {
    precondition(Array(shape.dropFirst()) == each.shape, "\(each.shape) added to each of \(shape)")
    let plain = ordered(.plain)
    let (y, size) = (Tensor(uninitialized: shape), each.count)
    parallelFor(shape[0]) { n in
      dk_add(plain.pointer + n * size, each.pointer, y.pointer + n * size, size)
    }
    return y.recorded(inputs: [self, each]) { dy, needed in
      [
        dy,
        needed[1]
          ? Tensor(shape: each.shape, storage: dy.ordered(.plain).summedRows(columns: size).storage) : nil,
      ]
    }
  }

  /// Which of a patch's values come first in its token.
  public enum PatchOrder: Sendable {
    /// (channel, row, column), as in a convolution's weight.
    case channelsFirst
    /// (row, column, channel).
    case channelsLast
  }

  /// The p×p patches of a picture, row by row: [N, C, H, W] → [N, H/p · W/p, C·p²]; p must divide H and W.
  public func patches(_ p: Int, _ order: PatchOrder) -> Tensor {
    let (n, c, h, w) = shape4
    precondition(h % p == 0 && w % p == 0, "patches of \(p) in \(h)×\(w)")
    let plain = ordered(.plain)
    let tokens = Tensor(uninitialized: [n, (h / p) * (w / p), c * p * p])
    let size = c * h * w
    parallelFor(n) { i in
      dk_patches(
        plain.pointer + i * size, tokens.pointer + i * size, c, h / p, w / p, p,
        order == .channelsFirst ? 1 : 0)
    }
    return tokens.recorded(inputs: [self]) { dy, _ in [dy.picture(height: h, width: w, patch: p, order)] }
  }

  /// The picture that patches make: [N, H/p · W/p, C·p²] → [N, C, H, W].
  public func picture(height h: Int, width w: Int, patch p: Int, _ order: PatchOrder) -> Tensor {
    let (n, t, values) = shape3
    precondition(t == (h / p) * (w / p) && values % (p * p) == 0, "\(shape) as a picture of \(h)×\(w)")
    let c = values / (p * p)
    let picture = Tensor(uninitialized: [n, c, h, w])
    let size = c * h * w
    parallelFor(n) { i in
      dk_picture(
        pointer + i * size, picture.pointer + i * size, c, h / p, w / p, p, order == .channelsFirst ? 1 : 0)
    }
    return picture.recorded(inputs: [self]) { dy, _ in [dy.patches(p, order)] }
  }
}
