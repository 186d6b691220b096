import Foundation

/// PyTorch's CPU generator, so that a seed gives the picture that it gives in diffusers: the Mersenne twister mt19937
/// (Matsumoto & Nishimura 1998) with the arithmetic of ATen's `normal_` around it.
public struct TorchGenerator: Sendable {
  private var state = [UInt32](repeating: 0, count: 624)
  private var next = 624
  /// The second value of a Box–Muller pair in double, kept across calls as ATen does.
  private var spareNormal: Double?

  /// As `torch.Generator("cpu").manual_seed(seed)`: only the low 32 bits count.
  public init(seed: UInt64) {
    state[0] = UInt32(truncatingIfNeeded: seed)
    for j in 1..<624 {
      state[j] = 1_812_433_253 &* (state[j - 1] ^ state[j - 1] >> 30) &+ UInt32(j)
    }
  }

  /// The twister's next 32 bits.
  public mutating func word() -> UInt32 {
    if next == 624 { twist() }
    var y = state[next]
    next += 1
    y ^= y >> 11
    y ^= y << 7 & 0x9d2c_5680
    y ^= y << 15 & 0xefc6_0000
    return y ^ y >> 18
  }

  private mutating func twist() {
    state.withUnsafeMutableBufferPointer { s in
      for k in 0..<624 {
        let y = s[k] & 0x8000_0000 | s[(k + 1) % 624] & 0x7fff_ffff
        s[k] = s[(k + 397) % 624] ^ y >> 1 ^ (y & 1 == 0 ? 0 : 0x9908_b0df)
      }
    }
    next = 0
  }

  /// `torch.rand(count)`: uniform on [0, 1), 24 bits each.
  public mutating func uniform(_ count: Int) -> [Float] {
    (0..<count).map { _ in Float(word() & 0xff_ffff) * 0x1p-24 }
  }

  private mutating func uniformDouble() -> Double {
    let high = UInt64(word())
    let low = UInt64(word())
    return Double((high << 32 | low) & (1 << 53 - 1)) * 0x1p-53
  }

  /// `torch.randn(count)`.
  public mutating func normal(_ count: Int) -> [Float] {
    if count < 16 { return (0..<count).map { _ in Float(normalDouble()) } }
    var values = uniform(count)
    for block in stride(from: 0, through: count - 16, by: 16) { Self.boxMuller(&values, block) }
    if count % 16 != 0 {
      // ATen draws the last sixteen anew, although some of them were done.
      values.replaceSubrange((count - 16)..., with: uniform(16))
      Self.boxMuller(&values, count - 16)
    }
    return values
  }

  /// Sixteen uniforms to sixteen normals: value j with value j + 8.
  private static func boxMuller(_ values: inout [Float], _ start: Int) {
    for j in start..<start + 8 {
      let radius = (-2 * logf(1 - values[j])).squareRoot()
      let angle = 2 * Float.pi * values[j + 8]
      values[j] = radius * cosf(angle)
      values[j + 8] = radius * sinf(angle)
    }
  }

  private mutating func normalDouble() -> Double {
    if let spare = spareNormal {
      spareNormal = nil
      return spare
    }
    let u1 = uniformDouble()
    let u2 = uniformDouble()
    let radius = (-2 * log1p(-u2)).squareRoot()
    let angle = 2 * Double.pi * u1
    spareNormal = radius * sin(angle)
    return radius * cos(angle)
  }
}
