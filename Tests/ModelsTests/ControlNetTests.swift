import Foundation
import Models
import NN
import TensorCore
import TestSupport
import XCTest

/// ControlNets: diffusers' own against diffusers, fixtures by `make_controlnet.py`; those for other bases by what a ControlNet
/// promises.
final class ControlNetTests: XCTestCase {
  private func load(_ name: String) throws -> ControlNetModel {
    let folder = Fixtures.url("controlnet/\(name)")
    let config = try ControlNetModelConfig(contentsOf: folder.appending(path: "config.json"))
    let checkpoint = try Checkpoint(folder: folder, stem: "diffusion_pytorch_model")
    return try ControlNetModel(config, ParameterStore(.checkpoint(checkpoint)))
  }

  private let names = ["sd-1", "sdxl", "bgr"]

  func testResidualsLossesAndGradientsEqualDiffusers() throws {
    for name in names {
      let model = try load(name)
      let given = try Fixtures.tensors("controlnet/\(name)/case.safetensors")
      func optional(_ key: String) throws -> Tensor? {
        try given.entries[key].map { _ in try given.tensor(key) }
      }
      let (x, image) = (try given.tensor("sample"), try given.tensor("image"))
      let timesteps = try given.tensor("timesteps").values
      let condition = Condition(
        text: TextStates(try given.tensor("text")), pooledText: try optional("pooled"),
        sizes: try optional("sizes"))
      func residuals() -> ControlResiduals {
        model.residuals(x, timesteps: timesteps, condition: condition, image: image, dropout: nil)
      }
      func assertAll(_ control: ControlResiduals, _ prefix: String) throws {
        let all = control.blocks + [try XCTUnwrap(control.middle)]
        XCTAssertNil(given.entries["\(prefix)-\(all.count)"], "\(name): a residual is missing")
        for (i, residual) in all.enumerated() {
          // 1e-4: both sides round in f32, in another order of summation.
          assertClose(
            residual, try given.tensor("\(prefix)-\(i)"), relative: 1e-4, "\(name): \(prefix) \(i)")
        }
      }
      let control = withoutGradients(residuals)
      try assertAll(control, "residual")
      try assertAll(control.scaled(by: 0.7, isGuess: true), "guessed")
      try assertGradients(
        of: model.parameters, equal: "controlnet/\(name)", loss: try given.tensor("loss"), name
      ) {
        let control = residuals()
        let errors = try (control.blocks + [try XCTUnwrap(control.middle)]).enumerated().map {
          meanSquaredError($1, try given.tensor("target-\($0)"))
        }
        return errors.dropFirst().reduce(errors[0], +)
      }
    }
  }

  func testEveryKeyThatDiffusersWritesIsReadAndWrittenBackAsItWas() throws {
    for name in names {
      let data = try Data(contentsOf: Fixtures.url("controlnet/\(name)/config.json"))
      let config = try JSONDecoder().decode(ControlNetModelConfig.self, from: data)
      XCTAssertEqual(
        try JSONDecoder().decode(ControlNetModelConfig.self, from: JSONEncoder().encode(config)), config)
      let theirs = try XCTUnwrap(JSONSerialization.jsonObject(with: data) as? [String: NSObject])
      let ours = try XCTUnwrap(
        JSONSerialization.jsonObject(with: JSONEncoder().encode(config)) as? [String: NSObject])
      XCTAssertEqual(Set(ours.keys), Set(theirs.keys), name)
      for (key, value) in ours where !key.hasPrefix("_") {
        XCTAssertEqual(value, theirs[key], "\(name): \(key)")
      }
    }
  }

  // MARK: - What every ControlNet promises, for each kind of base

  private struct Case {
    let name: String
    let base: any DenoiserConfig
    let condition: Condition
    /// Of the picture that steers, to the base's input.
    let downsampling: Int
    /// What the last map before each residual is called.
    let zeros: [String]
  }

  private func cases() -> [Case] {
    var unet = UNet2DConfig()
    unet.blockOutChannels = [8, 8]
    unet.layersPerBlock = 1
    unet.normNumGroups = 4
    unet.downBlockTypes = [.plain, .attention]
    unet.upBlockTypes = [.attention, .plain]
    unet.numClassEmbeds = 3
    var text = UNet2DConditionPreset.tiny.config
    text.blockOutChannels = [8, 16, 16]
    var dit = DiTConfig()
    (dit.numAttentionHeads, dit.attentionHeadDim, dit.numLayers) = (2, 16, 3)
    (dit.inChannels, dit.sampleSize, dit.patchSize, dit.numEmbedsAdaNorm) = (3, 8, 2, 3)
    let convolutions = ["controlnet_down_blocks", "controlnet_mid_block"]
    return [
      Case(
        name: "unet", base: unet, condition: Condition(labels: [1, 2]), downsampling: 1, zeros: convolutions),
      Case(
        name: "text", base: text, condition: Condition(text: TextStates(noise([2, 5, 64], 9))),
        downsampling: 4, zeros: convolutions),
      Case(
        name: "dit", base: dit, condition: Condition(labels: [0, 3]), downsampling: 2,
        zeros: ["controlnet_blocks"]),
    ]
  }

  private func noise(_ shape: [Int], _ index: UInt32) -> Tensor {
    let key = NoiseKey(seed: 3, index: index, step: 0, purpose: .drawing)
    return Tensor(Philox(key).normal(shape.reduce(1, *)), shape: shape)
  }

  func testAFreshOneChangesNothingAndItsZerosLearnAtTheFirstStep() throws {
    for test in cases() {
      let base = try test.base.build(ParameterStore(.fresh(seed: 1)))
      // A fresh transformer's gates are 0 and would hide what is added between its blocks.
      for (index, parameter) in base.parameters.parameters.enumerated() {
        parameter.tensor.overwrite(with: 0.2 * noise(parameter.tensor.shape, UInt32(index)))
      }
      let config = try XCTUnwrap(
        ControlNetFamilies.config(for: test.base, channels: 3, downsampling: test.downsampling))
      XCTAssertEqual(config.conditioningDownsampling, test.downsampling, test.name)
      try config.validate()
      try config.validate(for: test.base)
      let control = try config.build(ParameterStore(.fresh(seed: 2)))
      control.copyWeights(of: base.parameters)
      let theirs = Dictionary(uniqueKeysWithValues: base.parameters.all.map { ($0.key, $0.tensor) })
      for (key, tensor) in control.parameters.all where !key.hasPrefix("controlnet_") {
        XCTAssertEqual(tensor.values, theirs[key]?.values, "\(test.name): \(key) is not the base's")
      }

      let side = 8 * test.downsampling
      let (x, image) = (noise([2, 3, 8, 8], 1), noise([2, 3, side, side], 2))
      func predict(controlled: Bool) -> Tensor {
        var condition = test.condition
        if controlled {
          condition.control = control.residuals(
            x, timesteps: [5, 900], condition: test.condition, image: image, dropout: nil)
        }
        return base.predict(x, timesteps: [5, 900], condition: condition, dropout: nil)
      }
      withoutGradients {
        XCTAssertEqual(
          predict(controlled: true).values.map(\.bitPattern),
          predict(controlled: false).values.map(\.bitPattern),
          "\(test.name): a fresh ControlNet changes the base's prediction")
      }

      let parameters = control.parameters.parameters
      func step() -> [String: Tensor] {
        let (_, gradients) = valueAndGradients(of: parameters.map(\.tensor)) {
          meanSquaredError(predict(controlled: true), noise([2, 3, 8, 8], 4))
        }
        return Dictionary(uniqueKeysWithValues: zip(parameters.map(\.key), gradients))
      }
      let first = step()
      for (key, gradient) in first {
        let isZeroMap = test.zeros.contains { key.hasPrefix($0) }
        XCTAssertEqual(
          gradient.values.contains { $0 != 0 }, isZeroMap, "\(test.name): the first step's gradient of \(key)"
        )
      }
      // From the second step on everything learns, the picture's embedding too.
      for (key, tensor) in parameters { tensor.overwrite(with: tensor - (0.1 * first[key]!)) }
      let second = step()
      XCTAssert(
        second["controlnet_cond_embedding.conv_out.weight"]!.values.contains { $0 != 0 },
        "\(test.name): the picture is never looked at")
    }
  }

  func testFamiliesAreToldByTheirFileAndOtherBasesRefused() throws {
    let folder = try temporaryFolder(for: self)
    for test in cases() {
      let config = try XCTUnwrap(
        ControlNetFamilies.config(for: test.base, channels: 1, downsampling: test.downsampling))
      let url = folder.appending(path: "\(test.name).json")
      try JSONEncoder().encode(config).write(to: url)
      let read = try ControlNetFamilies.config(contentsOf: url)
      XCTAssertEqual(try JSONEncoder().encode(read).count, try JSONEncoder().encode(config).count)
      XCTAssertEqual(read.conditioningChannels, 1)
      XCTAssertThrowsError(try read.validate(for: test.base.with(channels: 7))) {
        XCTAssertTrue("\($0)".contains("another base"), "\($0)")
      }
    }
    let unknown = folder.appending(path: "unknown.json")
    try Data(#"{"_class_name": "T2IAdapter"}"#.utf8).write(to: unknown)
    XCTAssertThrowsError(try ControlNetFamilies.config(contentsOf: unknown)) {
      XCTAssertTrue("\($0)".contains("describes a T2IAdapter, which is no ControlNet known here"), "\($0)")
    }
  }

  func testTwoAddUp() {
    let a = ControlResiduals(blocks: [.full([1, 2], 1)], middle: .full([1, 2], 2))
    let b = ControlResiduals(blocks: [.full([1, 2], 10)], middle: .full([1, 2], 20))
    XCTAssertEqual((a + b).blocks[0].values, [11, 11])
    XCTAssertEqual((a + b).middle?.values, [22, 22])
    XCTAssertEqual((a + b).scaled(by: 0.5).middle?.values, [11, 11])
  }
}
