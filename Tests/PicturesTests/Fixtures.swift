import Foundation
import Pictures
import XCTest

/// The files that `Tests/Fixtures/make_pictures.py` drew with Pillow 13.0.0.
enum Fixtures {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures/pictures")

  /// What a fixture is said to be, and to decode to (`<file>.rgb`).
  struct Case: Decodable {
    let file: String
    let width: Int
    let height: Int
    let bitDepth: Int
    let hadAlpha: Bool?
    let wasGrey: Bool?
    let wasCMYK: Bool?
    let orientation: Int?
  }

  static func cases() throws -> [Case] {
    try JSONDecoder().decode([Case].self, from: data("cases.json"))
  }

  static func data(_ name: String) throws -> Data {
    try Data(contentsOf: folder.appendingPathComponent(name))
  }

  static func bytes(_ name: String) throws -> [UInt8] { [UInt8](try data(name)) }

  static func decoded(_ name: String) throws -> DecodedPicture {
    try DecodedPicture(contentsOf: folder.appendingPathComponent(name))
  }
}

/// A fresh folder that goes away with the test.
func temporaryFolder(_ test: XCTestCase) throws -> URL {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("darkroom-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  test.addTeardownBlock { try? FileManager.default.removeItem(at: folder) }
  return folder
}

/// The greatest difference of two byte arrays and where it is.
func assertBytes(
  _ actual: [UInt8], _ expected: [UInt8], within tolerance: Int = 0, _ name: String,
  file: StaticString = #filePath, line: UInt = #line
) {
  guard actual.count == expected.count else {
    return XCTFail("\(name): \(actual.count) bytes, not \(expected.count)", file: file, line: line)
  }
  let worst = actual.indices.max { left, right in
    abs(Int(actual[left]) - Int(expected[left])) < abs(Int(actual[right]) - Int(expected[right]))
  }
  guard let worst else { return }
  XCTAssertLessThanOrEqual(
    abs(Int(actual[worst]) - Int(expected[worst])), tolerance,
    "\(name): byte \(worst) is \(actual[worst]), not \(expected[worst])", file: file, line: line)
}

/// The cause that `body` throws.
func pictureErrorCause(
  file: StaticString = #filePath, line: UInt = #line, _ body: () throws -> Void
) -> PictureError.Cause? {
  do {
    try body()
    XCTFail("nothing was thrown", file: file, line: line)
  } catch let error as PictureError {
    return error.cause
  } catch {
    XCTFail("\(error) is no PictureError", file: file, line: line)
  }
  return nil
}

/// SplitMix64: the same mutations in every run.
struct TestGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// A picture in which no two rows, columns or corners are alike.
func testPicture(width: Int = 19, height: Int = 11) -> Picture {
  var picture = Picture(width: width, height: height, color: .black)
  for y in 0..<height {
    for x in 0..<width {
      picture[x, y] = RGB(
        UInt8(255 * x / max(1, width - 1)), UInt8(255 * y / max(1, height - 1)), UInt8((x * 7 + y * 13) % 256)
      )
    }
  }
  return picture
}
