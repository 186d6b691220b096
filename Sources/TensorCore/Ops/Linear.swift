import CKernels

/// The weight `[Out, In]` and bias `[Out]` of a linear map.
public typealias LinearMap = (weight: Tensor, bias: Tensor?)

/// activation(x·weightᵀ + bias), as `torch.nn.functional.linear`. Where nothing is recorded, the activation happens on the way
/// out of the product.
///
/// - Parameters:
///   - x: `[..., In]`.
///   - weight: `[Out, In]`.
///   - bias: `[Out]`.
/// - Returns: `[..., Out]`.
public func linear(_ x: Tensor, weight: Tensor, bias: Tensor?, activation: Activation = .identity) -> Tensor {
  linear(x, [(weight, bias)], activation: activation)[0]
}

/// Several linear maps of one x, with results of one size: x is made ready once, and so is its gradient.
///
/// - Parameters:
///   - x: `[..., In]`.
///   - activation: of each result.
/// - Returns: `[..., Out]` each.
public func linear(_ x: Tensor, _ maps: [LinearMap], activation: Activation = .identity) -> [Tensor] {
  let (out, inner) = maps[0].weight.shape2
  precondition(
    maps.allSatisfy { $0.weight.shape == [out, inner] } && x.shape.last == inner,
    "linear maps of \(maps.map { $0.weight.shape }) were given \(x.shape)")
  if let list = ProductList.current {
    return maps.map { _ in
      list.addLinear(x.shape, out: out)
      return .zeros(x.shape.dropLast() + [out])
    }
  }
  let x = x.ordered(.plain)
  let rows = x.count / inner
  let ys = maps.map { _ in Tensor(uninitialized: x.shape.dropLast() + [out]) }
  let isRecorded = Tape.current != nil
  MatrixProduct(a: [x], m: rows, k: inner, n: out, activation: isRecorded ? .identity : activation)
    .run(
      into: zip(maps, ys).map { .init(b: [$0.weight], bias: $0.bias, y: $1) }, transposeB: true,
      keepingB: !isRecorded)
  if !isRecorded { return ys }
  let (shape, source) = (x.shape, x.saved)
  let inputs = [x] + maps.flatMap { [$0.weight] + ($0.bias.map { [$0] } ?? []) }
  return Tensor.recorded(ys, inputs: inputs) { dys, needed in
    let dys = dys.map { $0?.ordered(.plain) }
    var gradients = [Tensor?](repeating: nil, count: needed.count)
    if needed[0] {
      let dx = Tensor(uninitialized: shape)
      let parts = zip(dys, maps).compactMap { dy, map in dy.map { ($0, map.weight) } }
      MatrixProduct(a: parts.map { $0.0 }, m: rows, k: out, n: inner)
        .run(into: [.init(b: parts.map { $0.1 }, y: dx)])
      gradients[0] = dx
    }
    lazy var x = source()  // remaking it costs, and frozen weights do not ask for it
    var at = 1
    for (dy, map) in zip(dys, maps) {
      if needed[at], let dy {
        let dweight = Tensor(uninitialized: [out, inner])
        MatrixProduct(a: [dy], transposeA: true, m: out, k: rows, n: inner)
          .run(into: [.init(b: [x], y: dweight)], keepingB: maps.count > 1)
        gradients[at] = dweight
      }
      if map.bias != nil {
        if needed[at + 1], let dy { gradients[at + 1] = dy.summedRows(columns: out) }
        at += 1
      }
      at += 1
    }
    return gradients
  }.map { $0.activated(activation) }
}

extension Tensor {
  /// Σ over all dimensions but the last, off the tape.
  func summedRows(columns: Int) -> Tensor {
    let sums = Tensor(uninitialized: [columns])
    let rows = count / columns
    let run = 64
    parallelFor((columns + run - 1) / run) { task in
      let at = task * run
      dk_column_sums(pointer + at, sums.pointer + at, rows, min(run, columns - at), columns)
    }
    return sums
  }
}
