import Foundation
import FuzzReaders
import TestSupport
import XCTest

/// Every input that a fuzzer has found worth keeping, through the reader that it was made for.
final class CorpusTests: XCTestCase {
  func testEveryReaderTakesItsCorpus() throws {
    let corpus = Fixtures.folder.deletingLastPathComponent().appending(path: "Fuzz/corpus")
    let scratch = try temporaryFolder(for: self)
    for reader in FuzzedReader.allCases {
      let folder = corpus.appending(path: reader.rawValue)
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      XCTAssertGreaterThan(names.count, 10, reader.rawValue)
      for name in names {
        let input = try Data(contentsOf: folder.appending(path: name))
        XCTAssertNoThrow(try reader([UInt8](input), scratch: scratch), "\(reader.rawValue)/\(name)")
      }
    }
  }
}
