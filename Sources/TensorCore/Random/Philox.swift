import CKernels

/// The default generator: Philox 4×32-10, counter-based (Salmon et al. 2011).
///
/// A value is a function of its key and its place alone, so that the noise of an image does not depend on what was
/// drawn before it, on which thread, or in what batch. The same bits on every machine.
public struct Philox: Sendable {
  /// What the stream is for.
  public let key: NoiseKey

  /// The stream of `key`.
  public init(_ key: NoiseKey) { self.key = key }

  private var tail: [UInt32] { [key.index, key.step, key.purpose.rawValue] }
  private var words: [UInt32] {
    [UInt32(truncatingIfNeeded: key.seed), UInt32(truncatingIfNeeded: key.seed >> 32)]
  }

  /// `count` values of 24 bits, uniform on [0, 1).
  public func uniform(_ count: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { buffer, filled in
      if let base = buffer.baseAddress { dk_philox_uniform(tail, words, base, count) }
      filled = count
    }
  }

  /// `count` standard normals.
  public func normal(_ count: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { buffer, filled in
      if let base = buffer.baseAddress { dk_philox_normal(tail, words, base, count) }
      filled = count
    }
  }

  /// `count` integers, uniform on 0 ..< bound. Multiply-and-shift: the bias is at most bound / 2³².
  public func integers(_ count: Int, below bound: Int) -> [Int] {
    precondition(bound > 0 && bound <= Int(UInt32.max), "integers below \(bound)")
    return raw(count).map { Self.scaled($0, below: bound) }
  }

  /// 0 ..< count in a uniformly random order (Fisher–Yates).
  public func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    let words = raw(count)
    for i in order.indices.dropFirst().reversed() {
      order.swapAt(i, Self.scaled(words[i], below: i + 1))
    }
    return order
  }

  private static func scaled(_ word: UInt32, below bound: Int) -> Int {
    Int((UInt64(word) * UInt64(bound)) >> 32)
  }

  /// The generator itself: four words from a counter of four and a key of two.
  package static func block(counter: [UInt32], key: [UInt32]) -> [UInt32] {
    precondition(
      counter.count == 4 && key.count == 2, "Philox 4×32 takes a counter of four words and a key of two")
    return [UInt32](unsafeUninitializedCapacity: 4) { buffer, filled in
      if let base = buffer.baseAddress { dk_philox_block(counter, key, base) }
      filled = 4
    }
  }

  private func raw(_ count: Int) -> [UInt32] {
    [UInt32](unsafeUninitializedCapacity: count) { buffer, filled in
      if let base = buffer.baseAddress { dk_philox_words(tail, words, base, count) }
      filled = count
    }
  }
}
