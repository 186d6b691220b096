import TensorCore

extension Tensor {
  /// The first value, in the memory's order, that is infinite or not a number; nil where all are finite.
  public var firstNotFinite: (index: Int, value: Float)? {
    let values = UnsafeBufferPointer(start: pointer, count: count)
    // Exponents of all ones, joined over a run of values at a time: a loop without branches, which vectors take.
    let exponent: UInt32 = 0x7f80_0000
    let run = 4096
    for start in stride(from: 0, to: count, by: run) {
      let part = values[start..<min(start + run, count)]
      var found: UInt32 = 0
      for value in part { found |= value.bitPattern & exponent == exponent ? 1 : 0 }
      guard found != 0, let index = part.firstIndex(where: { !$0.isFinite }) else { continue }
      return (index, values[index])
    }
    return nil
  }
}
