extension Tensor {
  /// The same values in another shape of as many elements.
  public func reshaped(_ newShape: [Int]) -> Tensor {
    precondition(newShape.reduce(1, *) == count, "\(shape) reshaped to \(newShape)")
    let plain = ordered(.plain)
    let old = shape
    return Tensor(shape: newShape, storage: plain.storage).recorded(inputs: [self]) { dy, _ in
      [dy.reshaped(old)]
    }
  }

  /// [N, C, H, W] → [N, H·W, C]: a view where the map is channels-last.
  public func tokens() -> Tensor {
    let (n, c, h, w) = shape4
    let last = ordered(.channelsLast(c))
    return Tensor(shape: [n, h * w, c], storage: last.storage).recorded(inputs: [self]) { dy, _ in
      [dy.featureMap(height: h, width: w)]
    }
  }

  /// [N, H·W, C] → [N, C, H, W], channels-last in memory.
  public func featureMap(height: Int, width: Int) -> Tensor {
    let (n, t, c) = shape3
    precondition(t == height * width, "\(t) tokens as \(height)×\(width)")
    return Tensor(shape: [n, c, height, width], storage: storage, order: .channelsLast(c))
      .recorded(inputs: [self]) { dy, _ in [dy.tokens()] }
  }

  /// Entries `range` of the first dimension.
  public func rows(_ range: Range<Int>) -> Tensor {
    let size = count / shape[0]
    let y = Tensor(uninitialized: [range.count] + shape.dropFirst(), order: order)
    y.pointer.update(from: pointer + range.lowerBound * size, count: y.count)
    let whole = shape
    return y.recorded(inputs: [self]) { dy, _ in
      let dx = Tensor.zeros(whole).relabelled(dy.order)
      (dx.pointer + range.lowerBound * size).update(from: dy.pointer, count: dy.count)
      return [dx]
    }
  }

  /// `parts` one after the other along the first dimension.
  public static func stacked(_ parts: [Tensor]) -> Tensor {
    precondition(!parts.isEmpty, "nothing to stack")
    let parts = parts.map { $0.ordered(parts[0].order) }
    precondition(
      parts.allSatisfy { $0.shape.dropFirst() == parts[0].shape.dropFirst() }, "stacking unlike shapes")
    let counts = parts.map { $0.shape[0] }
    let y = Tensor(uninitialized: [counts.reduce(0, +)] + parts[0].shape.dropFirst(), order: parts[0].order)
    var at = 0
    for part in parts {
      (y.pointer + at).update(from: part.pointer, count: part.count)
      at += part.count
    }
    return y.recorded(inputs: parts) { dy, _ in
      withoutGradients {
        var first = 0
        return counts.map { n in
          defer { first += n }
          return dy.rows(first..<first + n)
        }
      }
    }
  }

  /// `parts` one after the other along dimension 1, the channels.
  public static func concatenatedChannels(_ parts: [Tensor]) -> Tensor {
    let sizes = parts.map { $0.shape[1] }
    let sources = parts.map { $0.saved }
    let make = { (parts: [Tensor]) in joined(parts, sizes) }
    return make(parts).recorded(inputs: parts, remake: { make(sources.map { $0() }) }) { dy, _ in
      withoutGradients { dy.splitChannels(sizes) }
    }
  }

  /// Dimension 1 cut into parts of the given sizes.
  public func splitChannels(_ sizes: [Int]) -> [Tensor] {
    precondition(sizes.reduce(0, +) == shape[1], "\(shape[1]) channels split into \(sizes)")
    let source = orderedForChannels(sizes)
    let inner = count / shape[0] / shape[1]
    var first = 0
    return sizes.map { size in
      let y = Tensor(uninitialized: [shape[0], size] + shape.dropFirst(2), order: source.order)
      for n in 0..<shape[0] {
        let from = source.pointer + (n * shape[1] + first) * inner
        (y.pointer + n * size * inner).update(from: from, count: size * inner)
      }
      let (whole, at) = (shape, first)
      first += size
      return y.recorded(inputs: [self]) { dy, _ in
        let dy = dy.ordered(like: y)
        let dx = Tensor.zeros(whole).relabelled(dy.order)
        for n in 0..<whole[0] {
          let to = dx.pointer + (n * whole[1] + at) * inner
          to.update(from: dy.pointer + n * size * inner, count: size * inner)
        }
        return [dx]
      }
    }
  }

  private static func joined(_ parts: [Tensor], _ sizes: [Int]) -> Tensor {
    let parts = parts.map { $0.orderedForChannels(sizes) }
    let total = sizes.reduce(0, +)
    let n = parts[0].shape[0]
    let y = Tensor(uninitialized: [n, total] + parts[0].shape.dropFirst(2), order: parts[0].order)
    let inner = y.count / n / total
    parallelFor(n) { image in
      var at = image * total * inner
      for (part, size) in zip(parts, sizes) {
        (y.pointer + at).update(from: part.pointer + image * size * inner, count: size * inner)
        at += size * inner
      }
    }
    return y
  }

  /// In an order in which runs of channels of these sizes are contiguous within an image.
  private func orderedForChannels(_ sizes: [Int]) -> Tensor {
    let block = MemoryOrder.vectorBlock
    return ordered(sizes.allSatisfy { $0 % block == 0 } ? MemoryOrder(channelBlock: block) : .plain)
  }

  /// The same memory said to be in another order; for values that are the same in every order, such as zeros.
  private func relabelled(_ order: MemoryOrder) -> Tensor {
    Tensor(shape: shape, storage: storage, order: order)
  }
}
