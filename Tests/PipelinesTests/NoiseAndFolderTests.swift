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
}
