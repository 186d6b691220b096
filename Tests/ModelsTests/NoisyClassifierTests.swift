import Foundation
import Models
import NN
import TensorCore
import TestSupport
import XCTest

final class NoisyClassifierTests: XCTestCase {
  private func config() -> NoisyClassifierConfig {
    var unet = UNet2DConfig()
    unet.blockOutChannels = [8, 16]
    unet.layersPerBlock = 1
    unet.normNumGroups = 4
    unet.downBlockTypes = [.plain, .attention]
    unet.upBlockTypes = [.attention, .plain]
    unet.numClassEmbeds = 4
    return NoisyClassifierConfig(unet: unet, classes: 5, poolHeadDim: 8)
  }

  private func noise(_ shape: [Int], _ index: UInt32 = 0) -> Tensor {
    let key = NoiseKey(seed: 3, index: index, step: 0, purpose: .drawing)
    return Tensor(Philox(key).normal(shape.reduce(1, *)), shape: shape)
  }

  /// The gradient that guides, against differences of the value itself along random directions.
  func testTheGradientForThePictureIsThatOfTheValue() throws {
    let model = try NoisyClassifier(config(), ParameterStore(.fresh(seed: 1)))
    let x = noise([2, 3, 8, 8])
    let (timesteps, labels) = ([Float(5), 700], [3, 0])
    let (_, gradient) = model.logProbability(x, timesteps: timesteps, labels: labels)
    func value(_ x: Tensor) -> Float {
      withoutGradients { -model(x, timesteps: timesteps).crossEntropies(labels).sum().item }
    }
    for index in 1...4 {
      let direction = noise(x.shape, UInt32(index))
      let step: Float = 1e-2
      let slope = (value(x + step * direction) - value(x + -step * direction)) / (2 * step)
      let expected = zip(gradient.values, direction.values).reduce(0) { $0 + $1.0 * $1.1 }
      // 1e-2: differences over a step of 0.01 round in f32 and bend with the curve.
      XCTAssertEqual(slope, expected, accuracy: 1e-2 * max(1, abs(expected)))
    }
  }

  /// Every weight but those that softmax cancels learns at the first step, and a few steps fit two pictures.
  func testItLearns() throws {
    let store = ParameterStore(.fresh(seed: 1))
    let model = try NoisyClassifier(config(), store)
    let parameters = store.parameters.map(\.tensor)
    let (x, labels) = (noise([2, 3, 8, 8]), [3, 0])
    func gradients() -> (value: Tensor, gradients: [Tensor]) {
      valueAndGradients(of: parameters) { model(x, timesteps: [5, 700]).crossEntropies(labels).sum() }
    }
    let first = gradients()
    for (parameter, gradient) in zip(store.parameters, first.gradients)
    where !parameter.key.hasSuffix("to_k.bias") {
      XCTAssert(gradient.values.contains { $0 != 0 }, "\(parameter.key) has no gradient")
    }
    let optimizer = AdamW(parameters, AdamW.Options())
    for _ in 0..<20 {
      let (_, gradients) = gradients()
      optimizer.step(gradients, norm: AdamW.norm(gradients), learningRate: 3e-3)
    }
    XCTAssertLessThan(gradients().value.item, 0.3 * first.value.item)
  }

  /// A picture's gradient must not change with what stands beside it in the batch.
  func testNoPicturesGradientDependsOnAnother() throws {
    let model = try NoisyClassifier(config(), ParameterStore(.fresh(seed: 1)))
    let x = noise([3, 3, 8, 8])
    let all = model.logProbability(x, timesteps: [1, 2, 3], labels: [0, 1, 2]).gradient
    let one = model.logProbability(x.rows(1..<2), timesteps: [2], labels: [1]).gradient
    assertClose(one, all.rows(1..<2), relative: 1e-5, "gradient of one of three")
  }

  func testItsConfigurationSurvivesAndIsRefusedByName() throws {
    let config = config()
    XCTAssertFalse(config.unet.isClassConditional)
    let data = try JSONEncoder().encode(config)
    XCTAssertEqual(try JSONDecoder().decode(NoisyClassifierConfig.self, from: data), config)
    for (change, expected) in [
      ({ $0.classes = 1 }, "num_classes 1"), ({ $0.poolHeadDim = 7 }, "'pool' 16 channels, which heads of 7"),
      ({ $0.unet.numClassEmbeds = 3 }, "told the class"),
    ] as [((inout NoisyClassifierConfig) -> Void, String)] {
      var wrong = config
      change(&wrong)
      XCTAssertThrowsError(try wrong.validate()) { XCTAssertTrue("\($0)".contains(expected), "\($0)") }
    }
  }
}
