import CKernels

extension Tensor {
  /// The sum, element by element.
  public static func + (a: Tensor, b: Tensor) -> Tensor {
    a.zipped(b, dk_add).recorded(inputs: [a, b]) { dy, _ in [dy, dy] }
  }

  /// The difference, element by element.
  public static func - (a: Tensor, b: Tensor) -> Tensor { combination([(1, a), (-1, b)]) }

  /// The product, element by element.
  public static func * (a: Tensor, b: Tensor) -> Tensor {
    let (savedA, savedB) = (a.saved, b.saved)
    return a.zipped(b, dk_multiply).recorded(inputs: [a, b]) { dy, needed in
      [
        needed[0] ? dy.zipped(savedB(), dk_multiply) : nil,
        needed[1] ? dy.zipped(savedA(), dk_multiply) : nil,
      ]
    }
  }

  /// Every value times `factor`.
  public static func * (factor: Float, x: Tensor) -> Tensor {
    x.mapped { dk_scale(factor, $0, 0, $1, $2) }.recorded(inputs: [x]) { dy, _ in
      [dy.mapped { dk_scale(factor, $0, 0, $1, $2) }]
    }
  }

  /// Every value plus `offset`.
  public static func + (x: Tensor, offset: Float) -> Tensor {
    x.mapped { dk_scale(1, $0, offset, $1, $2) }.recorded(inputs: [x]) { dy, _ in [dy] }
  }

  /// Σ coefficient · tensor, of one shape, added from the left: the arithmetic of a sampler's step.
  public static func combination(_ terms: [(Float, Tensor)]) -> Tensor {
    precondition(!terms.isEmpty, "a combination of nothing")
    let order = terms[0].1.order
    let tensors = terms.map { $0.1.ordered(order) }
    precondition(tensors.allSatisfy { $0.shape == tensors[0].shape }, "a combination of different shapes")
    let y = Tensor(uninitialized: tensors[0].shape, order: order)
    parallelRuns(y.count) { run in
      let out = y.pointer + run.lowerBound
      if terms.count == 1 {
        dk_scale(terms[0].0, tensors[0].pointer + run.lowerBound, 0, out, run.count)
      } else {
        dk_axpby(
          terms[0].0, tensors[0].pointer + run.lowerBound, terms[1].0, tensors[1].pointer + run.lowerBound,
          out,
          run.count)
      }
      for i in terms.indices.dropFirst(2) {
        dk_axpby(1, out, terms[i].0, tensors[i].pointer + run.lowerBound, out, run.count)
      }
    }
    return y.recorded(inputs: tensors) { dy, needed in
      terms.indices.map { i in needed[i] ? withoutGradients { terms[i].0 * dy } : nil }
    }
  }

  /// a[n]·x[n, …] + b[n]·y[n, …]: one pair of coefficients a sample.
  public static func combination(perSample a: [Float], _ x: Tensor, _ b: [Float], _ y: Tensor) -> Tensor {
    precondition(
      x.shape == y.shape && a.count == x.shape[0] && b.count == a.count, "one coefficient a sample")
    let y = y.ordered(like: x)
    let result = Tensor(uninitialized: x.shape, order: x.order)
    let size = x.count / a.count
    parallelFor(a.count) { n in
      dk_axpby(
        a[n], x.pointer + n * size, b[n], y.pointer + n * size, result.pointer + n * size, size)
    }
    return result.recorded(inputs: [x, y]) { dy, needed in
      withoutGradients {
        [
          needed[0] ? .combination(perSample: a, dy, a.map { _ in 0 }, dy) : nil,
          needed[1] ? .combination(perSample: b, dy, b.map { _ in 0 }, dy) : nil,
        ]
      }
    }
  }

  /// Every value brought into low … high.
  public func clamped(_ low: Float, _ high: Float) -> Tensor {
    let source = saved
    return mapped { dk_clamp($0, low, high, $1, $2) }.recorded(inputs: [self]) { dy, _ in
      let x = source()
      let (dy, dx) = (dy.ordered(like: x), Tensor(uninitialized: x.shape, order: x.order))
      parallelRuns(x.count) { run in
        let at = run.lowerBound
        dk_clamp_gradient(x.pointer + at, dy.pointer + at, low, high, dx.pointer + at, run.count)
      }
      return [dx]
    }
  }

  /// x[N, C, H, W] + t[N, C].
  public func addingChannels(_ t: Tensor) -> Tensor {
    let (n, c, _, _) = shape4
    precondition(t.shape == [n, c], "\(t.shape) added to the channels of \(shape)")
    let y = Tensor(uninitialized: shape, order: order)
    let (_, blocks, hw, b) = blocked
    parallelFor(n) { i in
      let at = i * c * hw
      dk_add_channels(pointer + at, t.pointer + i * c, y.pointer + at, blocks, hw, b)
    }
    return y.recorded(inputs: [self, t]) { dy, needed in [dy, needed[1] ? dy.summedChannels() : nil] }
  }

  /// Σ over the pixels: [N, C, H, W] → [N, C], off the tape.
  func summedChannels() -> Tensor {
    let (n, c, _, _) = shape4
    let sums = Tensor(uninitialized: [n, c])
    let (_, blocks, hw, b) = blocked
    parallelFor(n) { i in
      dk_sum_channels(pointer + i * c * hw, sums.pointer + i * c, blocks, hw, b)
    }
    return sums
  }
}

// MARK: - Loops shared by the operations above

extension Tensor {
  typealias Map = (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
  typealias Zip = (UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void

  func mapped(_ kernel: Map) -> Tensor {
    let y = Tensor(uninitialized: shape, order: order)
    parallelRuns(count) { run in kernel(pointer + run.lowerBound, y.pointer + run.lowerBound, run.count) }
    return y
  }

  func zipped(_ other: Tensor, _ kernel: Zip) -> Tensor {
    precondition(shape == other.shape, "\(shape) and \(other.shape) element by element")
    let other = other.ordered(like: self)
    let y = Tensor(uninitialized: shape, order: order)
    parallelRuns(count) { run in
      kernel(pointer + run.lowerBound, other.pointer + run.lowerBound, y.pointer + run.lowerBound, run.count)
    }
    return y
  }

  /// The sum with a second gradient for the same node; in place where nothing else refers to this one.
  consuming func accumulating(_ other: Tensor) -> Tensor {
    var own = self
    guard isKnownUniquelyReferenced(&own.storage) else { return own.zipped(other, dk_add) }
    let other = other.ordered(like: own)
    let target = own.pointer
    parallelRuns(own.count) { run in
      dk_add(target + run.lowerBound, other.pointer + run.lowerBound, target + run.lowerBound, run.count)
    }
    return own
  }
}
