import Foundation
import NN
import TensorCore
import XCTest

/// The committed files that diffusers and PyTorch made; see the scripts beside them.
public enum Fixtures {
  /// `Tests/Fixtures`.
  public static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
    .appending(path: "Fixtures")

  /// A file or folder below it.
  public static func url(_ path: String) -> URL { folder.appending(path: path) }

  /// An opened safetensors fixture.
  public static func tensors(_ path: String) throws -> SafetensorsFile { try SafetensorsFile(url(path)) }
}

/// A temporary folder of the test's own, removed when the test ends.
public func temporaryFolder(for test: XCTestCase) throws -> URL {
  let url = FileManager.default.temporaryDirectory.appending(path: "darkroom-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  test.addTeardownBlock { try? FileManager.default.removeItem(at: url) }
  return url
}

/// Compares element by element; the tolerance is relative to the largest expected magnitude, and the worst
/// index is reported.
public func assertClose(
  _ actual: Tensor, _ expected: Tensor, relative tolerance: Float, _ what: String,
  file: StaticString = #filePath, line: UInt = #line
) {
  guard actual.shape == expected.shape else {
    XCTFail("\(what): shape \(actual.shape) for \(expected.shape)", file: file, line: line)
    return
  }
  assertClose(actual.values, expected.values, relative: tolerance, what, file: file, line: line)
}

/// Compares element by element; see above.
public func assertClose(
  _ actual: [Float], _ expected: [Float], relative tolerance: Float, _ what: String,
  file: StaticString = #filePath, line: UInt = #line
) {
  guard actual.count == expected.count else {
    XCTFail("\(what): \(actual.count) values for \(expected.count)", file: file, line: line)
    return
  }
  let scale = max(expected.reduce(0) { max($0, abs($1)) }, 1e-12)
  let errors = zip(actual, expected).map { abs($0 - $1) / scale }
  // A NaN is greater than no tolerance, so it is looked for by itself.
  if let bad = actual.firstIndex(where: { !$0.isFinite }) {
    XCTFail("\(what): \(actual[bad]) at \(bad)", file: file, line: line)
    return
  }
  guard let worst = errors.indices.max(by: { errors[$0] < errors[$1] }), errors[worst] > tolerance else {
    return
  }
  XCTFail(
    "\(what): off by \(errors[worst]) of the largest value at index \(worst): "
      + "\(actual[worst]) for \(expected[worst])",
    file: file, line: line)
}

/// Compares bit for bit; the first index that differs, both values and how many differ are reported.
public func assertSameBits(
  _ actual: Tensor, _ expected: Tensor, _ what: String = "values", file: StaticString = #filePath,
  line: UInt = #line
) {
  guard actual.shape == expected.shape else {
    XCTFail("\(what): shape \(actual.shape) for \(expected.shape)", file: file, line: line)
    return
  }
  let (a, b) = (actual.values, expected.values)
  let differing = a.indices.filter { a[$0].bitPattern != b[$0].bitPattern }
  guard let first = differing.first else { return }
  XCTFail(
    "\(what): \(differing.count) of \(a.count) values differ, first at index \(first): \(a[first]) for \(b[first])",
    file: file, line: line)
}
