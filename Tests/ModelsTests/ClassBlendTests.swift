import Models
import NN
import TensorCore
import TestSupport
import XCTest

/// A class between two is told to a network as the mean of their embeddings.
final class ClassBlendTests: XCTestCase {
  private let x = Tensor(
    Philox(NoiseKey(seed: 3, index: 0, step: 0, purpose: .drawing)).normal(3 * 64), shape: [1, 3, 8, 8])

  /// Makes the last class of every table the mix of the first two.
  private func mixLastClass(_ parameters: ParameterStore, _ share: Float) {
    for (key, table) in parameters.all where key.contains("class_embed") {
      let (count, width) = table.shape2
      var values = table.values
      for i in 0..<width {
        values[(count - 1) * width + i] = (1 - share) * values[i] + share * values[width + i]
      }
      table.overwrite(with: Tensor(values, shape: table.shape))
    }
  }

  private func check(_ model: any Denoiser, classes: Int) {
    mixLastClass(model.parameters, 0.25)
    func predicted(_ condition: Condition) -> Tensor {
      withoutGradients { model.predict(x, timesteps: [40], condition: condition, dropout: nil) }
    }
    let (first, second) = (Condition(labels: [0]), Condition(labels: [1]))
    let mixed = predicted(.between(first, second, 0.25))
    assertClose(mixed, predicted(Condition(labels: [classes - 1])), relative: 1e-6, "the mixed class")
    XCTAssertNotEqual(mixed.values, predicted(first).values)
    assertSameBits(
      predicted(Condition(labels: [0], blend: ClassBlend(labels: [1], shares: [0]))), predicted(first))
  }

  func testAUNetIsToldTheMixedEmbedding() throws {
    var config = UNet2DConfig()
    (config.blockOutChannels, config.layersPerBlock, config.normNumGroups) = ([8, 8], 1, 4)
    (config.downBlockTypes, config.upBlockTypes) = ([.plain, .plain], [.plain, .plain])
    config.numClassEmbeds = 3
    check(try UNet2D(config, ParameterStore(.fresh(seed: 1))), classes: 3)
  }

  func testATransformerIsToldTheMixedEmbeddingInEveryBlock() throws {
    var config = DiTConfig()
    (config.numLayers, config.numAttentionHeads, config.attentionHeadDim) = (2, 2, 8)
    (config.inChannels, config.sampleSize, config.patchSize, config.numEmbedsAdaNorm) = (3, 8, 2, 2)
    let model = try DiT(config, ParameterStore(.fresh(seed: 1)))
    // A fresh one predicts zeros whatever it is told.
    for (key, tensor) in model.parameters.all where tensor.values.allSatisfy({ $0 == 0 }) {
      let key = NoiseKey(seed: UInt64(key.utf8.count), index: 0, step: 0, purpose: .weightInit)
      tensor.overwrite(with: Tensor(Philox(key).normal(tensor.count).map { 0.1 * $0 }, shape: tensor.shape))
    }
    check(model, classes: 3)
  }
}
