import NN
import TensorCore
import TestSupport
import XCTest

final class RandomTests: XCTestCase {
  /// Known answers of Random123 1.14 (`tests/kat_vectors`, philox4x32 10).
  func testPhiloxKnownAnswers() {
    for (counter, key, expected) in [
      (
        [UInt32](repeating: 0, count: 4), [UInt32](repeating: 0, count: 2),
        [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8] as [UInt32]
      ),
      (
        [UInt32](repeating: .max, count: 4), [UInt32](repeating: .max, count: 2),
        [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
      ),
      (
        [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
      ),
    ] {
      XCTAssertEqual(Philox.block(counter: counter, key: key), expected)
    }
  }

  func testPhiloxNormalsAreNormal() {
    let values = Philox(NoiseKey(seed: 3, index: 0, step: 0, purpose: .trainingNoise)).normal(1_000_000)
    let n = Double(values.count)
    let mean = values.map(Double.init).reduce(0, +) / n
    let moments = [2, 3, 4].map { k in values.map { pow(Double($0) - mean, Double(k)) }.reduce(0, +) / n }
    // Five standard errors of each moment.
    XCTAssertEqual(mean, 0, accuracy: 0.005)
    XCTAssertEqual(moments[0], 1, accuracy: 0.0071)
    XCTAssertEqual(moments[1], 0, accuracy: 0.0195)
    XCTAssertEqual(moments[2], 3, accuracy: 0.049)
    // 1 − Φ(4) is 3.17e-5: 31.7 of a million a side, give or take five deviations.
    XCTAssertEqual(Double(values.filter { abs($0) > 4 }.count), 63.3, accuracy: 40)
  }

  /// A value depends on its key and place alone; and the bits are pinned, being part of the contract.
  func testPhiloxIsKeyed() {
    let key = NoiseKey(seed: 42, index: 1, step: 2, purpose: .samplerStep)
    XCTAssertEqual(Philox(key).normal(100), Array(Philox(key).normal(1000).prefix(100)))
    XCTAssertNotEqual(
      Philox(key).normal(4), Philox(NoiseKey(seed: 42, index: 2, step: 2, purpose: .samplerStep)).normal(4))
    XCTAssertEqual(Philox(key).normal(4).map(\.bitPattern), Self.pinned)
    XCTAssertEqual(Set(Philox(key).permutation(1000)), Set(0..<1000))
  }

  /// Each value of each draw as often as chance allows: χ² within five deviations of its mean.
  func testIntegersAndPermutationsAreUniform() {
    func chiSquared(_ counts: [Int], _ expected: Double) -> Double {
      counts.reduce(0) { $0 + pow(Double($1) - expected, 2) / expected }
    }
    let bound = 100
    let draws = Philox(NoiseKey(seed: 5, index: 0, step: 0, purpose: .trainingTimestep)).integers(
      100_000, below: bound)
    XCTAssertTrue(draws.allSatisfy { (0..<bound).contains($0) })
    let counts = draws.reduce(into: [Int](repeating: 0, count: bound)) { $0[$1] += 1 }
    XCTAssertEqual(chiSquared(counts, 1000), 99, accuracy: 5 * (2.0 * 99).squareRoot())
    // Where the first of ten ends up, and how many stay in place (one on average).
    var (places, fixed) = ([Int](repeating: 0, count: 10), 0)
    for i in 0..<5000 {
      let order = Philox(NoiseKey(seed: 5, index: UInt32(i), step: 0, purpose: .dataOrder)).permutation(10)
      places[order.firstIndex(of: 0) ?? 0] += 1
      fixed += order.indices.filter { order[$0] == $0 }.count
    }
    XCTAssertEqual(chiSquared(places, 500), 9, accuracy: 5 * 18.0.squareRoot())
    XCTAssertEqual(Double(fixed), 5000, accuracy: 5 * 5000.0.squareRoot())
  }

  private static let pinned: [UInt32] = [3_208_857_741, 1_065_463_866, 1_070_239_165, 1_071_588_094]

  /// Against PyTorch; fixtures by `make_random.py`. 2e-6: ATen's vectorised logarithm and cosine differ from libm's in
  /// the last bits, of values up to 5.
  func testTorchGenerator() throws {
    let file = try Fixtures.tensors("random.safetensors")
    for key in file.entries.keys {
      let parts = key.split(separator: "/")
      guard parts.count == 2, let size = Int(parts[1]) else { continue }
      var generator = TorchGenerator(seed: UInt64(1234 + size))
      let values = generator.normal(size)
      switch parts[0] {
      case "randn": assertClose(values, try file.tensor(key).values, relative: 2e-6, key)
      case "strided":
        let picked = stride(from: 0, to: size, by: 97).map { values[$0] } + values.suffix(17)
        assertClose(picked, try file.tensor(key).values, relative: 2e-6, key)
      case "sum":
        XCTAssertEqual(
          values.map(Double.init).reduce(0, +), Double(try file.tensor(key).item), accuracy: 0.02, key)
      default: XCTFail("unknown key \(key)")
      }
    }
    var generator = TorchGenerator(seed: 7)
    let drawn = try file.tensor("sequence_sizes").values.flatMap { generator.normal(Int($0)) }
    assertClose(drawn, try file.tensor("sequence").values, relative: 2e-6, "a sequence of draws")
    var other = TorchGenerator(seed: 1 << 40 + 5)
    XCTAssertEqual(other.uniform(40), try file.tensor("rand").values)
  }
}
