import NN
import TensorCore
import TestSupport
import XCTest

final class SafetensorsTests: XCTestCase {
  private func sample() -> [(key: String, tensor: Tensor)] {
    [
      ("a.weight", Tensor((0..<24).map(Float.init), shape: [2, 3, 4])),
      ("b/\"quoted\"", Tensor([-1.5], shape: [1])),
      ("empty", Tensor([], shape: [0, 3])),
    ]
  }

  func testRoundTripAndSameBytes() throws {
    let folder = try temporaryFolder(for: self)
    let (one, two) = (folder.appending(path: "1.safetensors"), folder.appending(path: "2.safetensors"))
    try SafetensorsWriter.write(sample(), to: one)
    try SafetensorsWriter.write(sample(), to: two)
    XCTAssertEqual(try Data(contentsOf: one), try Data(contentsOf: two))
    let file = try SafetensorsFile(one)
    XCTAssertEqual(file.metadata, ["format": "pt"])
    for (key, tensor) in sample() {
      XCTAssertEqual(try file.tensor(key).values, tensor.values)
      XCTAssertEqual(try file.tensor(key).shape, tensor.shape)
    }
  }

  func testDamageIsNamed() throws {
    let folder = try temporaryFolder(for: self)
    let url = folder.appending(path: "m.safetensors")
    try SafetensorsWriter.write(sample(), to: url)
    let whole = try Data(contentsOf: url)
    func error(_ data: Data) throws -> String {
      try data.write(to: url)
      do {
        _ = try SafetensorsFile(url)
        return "none"
      } catch { return error.localizedDescription }
    }
    XCTAssertTrue(try error(Data()).contains("has 0 bytes"))
    XCTAssertTrue(
      try error(Data([255, 255, 255, 255, 255, 255, 255, 255]) + whole).contains(
        "claims 18446744073709551615 bytes"))
    XCTAssertTrue(try error(whole.dropLast(4)).contains("may be truncated"))
    XCTAssertTrue(
      try error(whole.prefix(8) + Data(repeating: 0x7b, count: whole.count - 8)).contains(
        "not the JSON object"))
  }

  /// Whatever happens to the bytes, opening and reading ends in tensors or in an error.
  func testMutationsNeverCrash() throws {
    let folder = try temporaryFolder(for: self)
    let url = folder.appending(path: "m.safetensors")
    try SafetensorsWriter.write(sample(), to: url)
    let whole = [UInt8](try Data(contentsOf: url))
    var (opened, refused) = (0, 0)
    for round in 0..<4000 {
      let draws = Philox(NoiseKey(seed: 1, index: UInt32(round), step: 0, purpose: .drawing))
        .integers(8, below: 1 << 20)
      var bytes = whole
      for k in 0...(draws[0] % 3) {
        bytes[draws[1 + k] % bytes.count] = UInt8(truncatingIfNeeded: draws[4 + k])
      }
      if draws[7] % 4 == 0 { bytes.removeLast(draws[7] / 4 % bytes.count) }
      try Data(bytes).write(to: url)
      do {
        let file = try SafetensorsFile(url)
        for key in file.entries.keys { _ = try file.tensor(key) }
        opened += 1
      } catch is SafetensorsError { refused += 1 }
    }
    XCTAssertEqual(opened + refused, 4000)
    XCTAssertGreaterThan(refused, 1000)
  }
}
