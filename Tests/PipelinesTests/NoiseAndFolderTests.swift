import Files
import Foundation
import Models
import NN
import Pipelines
import Schedulers
import TensorCore
import TestSupport
import XCTest

final class NoiseAndFolderTests: XCTestCase {
  func testPhiloxNoiseIsKeyedByPicture() {
    var all = Generator.philox.source(seed: 5)
    var late = Generator.philox.source(seed: 5, firstIndex: 2)
    let whole = all.normal([4, 3, 2, 2], .samplerStep, step: 7)
    XCTAssertEqual(late.normal([2, 3, 2, 2], .samplerStep, step: 7).values, whole.rows(2..<4).values)
    XCTAssertEqual(all.normal([4, 3, 2, 2], .samplerStep, step: 7).values, whole.values, "no state")
    XCTAssertNotEqual(all.normal([4, 3, 2, 2], .samplerStep, step: 8).values, whole.values)
  }

  func testSavedFolderOpensWithTheSameWeights() throws {
    let source = try ModelFolder(Fixtures.url("pipelines/ddim"))
    let unet = try source.denoiser()
    let url = try temporaryFolder(for: self)
    let notes = ModelNotes(classes: ["a", "b"], nullClass: 2, trainedSteps: 9)
    try ModelFolder.save(unet.parameters.all, source.config, source.scheduler, notes, to: url)
    let copy = try ModelFolder(url)
    XCTAssertTrue(copy.config.isEqual(to: source.config))
    XCTAssertEqual(try copy.scheduler, try source.scheduler)
    XCTAssertEqual(copy.notes, notes)
    XCTAssertEqual(
      try copy.denoiser().parameters.all.map { [$0.key] + $0.tensor.values.map { "\($0)" } },
      unet.parameters.all.map { [$0.key] + $0.tensor.values.map { "\($0)" } })
  }

  /// FIPS 180-4's examples.
  func testSHA256() {
    func hex(_ text: String) -> String {
      var hash = SHA256()
      hash.update(Array(text.utf8))
      return hash.finished()
    }
    XCTAssertEqual(hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    XCTAssertEqual(
      hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    XCTAssertEqual(
      hex(String(repeating: "a", count: 1_000_000)),
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }
}
