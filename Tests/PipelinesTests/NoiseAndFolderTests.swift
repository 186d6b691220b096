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

  func testGuidanceIsLinear() {
    struct Constant: Predictor {
      let value: Float
      func callAsFunction(_ x: Tensor, timestep: Float) -> Tensor { .full(x.shape, value) }
    }
    let guided = ClassifierFreeGuidance(Constant(value: 3), unconditional: Constant(value: 1), scale: 2.5)
    XCTAssertEqual(guided(.zeros([1, 1, 1, 2]), timestep: 0).values, [6, 6])
  }

  func testSavedFolderOpensWithTheSameWeights() throws {
    let source = try ModelFolder(Fixtures.url("pipelines/ddim"))
    let unet = try source.denoiser()
    let url = try temporaryFolder(for: self)
    let notes = ModelNotes(classes: ["a", "b"], nullClass: 2, trainedSteps: 9)
    try ModelFolder.save(unet.parameters.all, source.denoiserConfig, source.scheduler, notes, to: url)
    let copy = try ModelFolder(url)
    XCTAssertEqual(copy.denoiserConfig, source.denoiserConfig)
    XCTAssertEqual(copy.scheduler, source.scheduler)
    XCTAssertEqual(copy.notes, notes)
    XCTAssertEqual(
      try copy.denoiser().parameters.all.map { [$0.key] + $0.tensor.values.map { "\($0)" } },
      unet.parameters.all.map { [$0.key] + $0.tensor.values.map { "\($0)" } })
  }

  /// What is written is what diffusers would write: the same parts under the same names, whatever the kind.
  func testLatentFoldersAreSavedAsDiffusersPipelines() throws {
    for (name, className, part) in [("dit", "DiTPipeline", "vae"), ("ldm", "LDMPipeline", "vqvae")] {
      let source = try ModelFolder(Fixtures.url("pipelines/\(name)"))
      let network = try source.denoiser()
      let autoencoder = try XCTUnwrap(source.autoencoder).autoencoder()
      let url = try temporaryFolder(for: self)
      try ModelFolder.save(
        network.parameters.all, source.denoiserConfig, source.scheduler, source.notes,
        autoencoder: autoencoder,
        to: url)
      let copy = try ModelFolder(url)
      XCTAssertEqual(copy.denoiserConfig, source.denoiserConfig)
      XCTAssertEqual(copy.autoencoder?.config, source.autoencoder?.config)
      XCTAssertEqual(copy.autoencoder?.url.lastPathComponent, part)
      XCTAssertEqual(copy.notes, source.notes)
      let theirs =
        try JSONSerialization.jsonObject(
          with: Data(contentsOf: source.url.appending(path: "model_index.json"))) as? NSDictionary
      let ours =
        try JSONSerialization.jsonObject(
          with: Data(contentsOf: url.appending(path: "model_index.json"))) as? NSDictionary
      XCTAssertEqual(ours, theirs)
      XCTAssertEqual(ours?["_class_name"] as? String, className)
      withoutGradients {
        let x = Tensor.full([1, source.denoiserConfig.inChannels, 8, 8], 0.5)
        let decoded = try? copy.space(batchSize: 1).decoded(x)
        XCTAssertEqual(decoded?.values, LatentSpace(autoencoder).decoded(x).values)
      }
    }
  }

  /// `DiTPipeline` guides the prediction and leaves the variance as the class has it.
  func testGuidanceLeavesAVarianceAsItIs() {
    struct Constant: Predictor {
      let value: Float
      func callAsFunction(_ x: Tensor, timestep: Float) -> Tensor {
        Tensor([value, 10 * value], shape: [1, 2, 1, 1])
      }
    }
    let guided = ClassifierFreeGuidance(Constant(value: 3), unconditional: Constant(value: 1), scale: 2.5)
    XCTAssertEqual(guided(.zeros([1, 1, 1, 1]), timestep: 0).values, [6, 30])
  }

  func testTilesAreTakenWhereTheyAreAskedFor() {
    XCTAssertNil(Tiles.automatic.side(height: 1024, width: 1024, multiple: 8))
    XCTAssertEqual(Tiles.automatic.side(height: 2048, width: 1024, multiple: 8), 512)
    XCTAssertNil(Tiles.never.side(height: 8192, width: 8192, multiple: 8))
    XCTAssertEqual(Tiles.side(256).side(height: 128, width: 512, multiple: 8), 256)
    XCTAssertNil(Tiles.side(256).side(height: 256, width: 256, multiple: 8))
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
