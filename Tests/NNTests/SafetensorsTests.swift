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

  /// A file with one tensor 'x', made byte by byte.
  private func file(_ type: String, _ count: Int, _ bytes: [UInt8]) throws -> SafetensorsFile {
    let header = #"{"x":{"dtype":"\#(type)","shape":[\#(count)],"data_offsets":[0,\#(bytes.count)]}}"#
    let url = try temporaryFolder(for: self).appending(path: "x.safetensors")
    try Data(littleEndian([UInt64(header.utf8.count)]) + header.utf8 + bytes).write(to: url)
    return try SafetensorsFile(url)
  }

  private func littleEndian(_ values: [some FixedWidthInteger]) -> [UInt8] {
    values.flatMap { withUnsafeBytes(of: $0.littleEndian) { [UInt8]($0) } }
  }

  /// All 65,536 half-precision numbers against IEEE 754's definition, which f32 holds exactly.
  func testEveryHalfPrecisionValueIsExact() throws {
    let all = (0...65_535).map { UInt16($0) }
    let read = try file("F16", all.count, littleEndian(all)).tensor("x").values
    for (bits, value) in zip(all, read) {
      let (exponent, mantissa) = (Int(bits >> 10 & 31), Double(bits & 1023))
      let magnitude: Double =
        switch exponent {
        case 0: mantissa * pow(2, -24)
        case 31: mantissa == 0 ? .infinity : .nan
        default: (1 + mantissa / 1024) * pow(2, Double(exponent - 15))
        }
      if magnitude.isNaN {
        XCTAssertTrue(value.isNaN, "\(bits)")
      } else {
        XCTAssertEqual(value.magnitude, Float(magnitude), "\(bits)")
        XCTAssertEqual(value.sign, bits >> 15 == 1 ? .minus : .plus, "\(bits)")
      }
    }
  }

  func testOtherTypesAreConverted() throws {
    let bf16: [UInt16] = [0x3f80, 0xc2f7, 0x7f80]
    XCTAssertEqual(try file("BF16", 3, littleEndian(bf16)).tensor("x").values, [1, -123.5, .infinity])
    let doubles = [0.1, -1e300].map(\.bitPattern)
    XCTAssertEqual(try file("F64", 2, littleEndian(doubles)).tensor("x").values, [0.1, -.infinity])
    XCTAssertEqual(try file("I64", 2, littleEndian([Int64.min, 7])).tensor("x").values, [-0x1p63, 7])
    XCTAssertEqual(try file("I32", 2, littleEndian([Int32(-3), 7])).tensor("x").values, [-3, 7])
    XCTAssertEqual(try file("U8", 2, [0, 255]).tensor("x").values, [0, 255])
    XCTAssertThrowsError(try file("F8_E4M3", 1, [0]).tensor("x")) {
      XCTAssertTrue("\($0)".contains("convert it to F32, F16 or BF16"), "\($0)")
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
