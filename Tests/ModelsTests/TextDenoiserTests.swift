import Models
import NN
import TensorCore
import XCTest

/// A denoiser and a text encoder as one network.
final class TextDenoiserTests: XCTestCase {
  private func network() throws -> TextDenoiser {
    var config = UNet2DConditionPreset.mini.config
    config.sampleSize = [8, 8]
    let text = CLIPTextConfig.small(
      width: 64, length: 5, vocabularySize: 20, beginning: 18, end: 19, padding: 19)
    return TextDenoiser(
      try config.build(ParameterStore(.fresh(seed: 1))),
      try CLIPTextEncoder(text, ParameterStore(.fresh(seed: 1))))
  }

  private let x = Tensor(
    Philox(NoiseKey(seed: 3, index: 0, step: 0, purpose: .drawing)).normal(2 * 3 * 64), shape: [2, 3, 8, 8])
  private let tokens = [[18, 3, 4, 19, 19], [18, 7, 19, 19, 19]]

  func testTokensAreReadAsTheirStates() throws {
    let network = try network()
    withoutGradients {
      let states = TextStates(network.encoder(tokens).states)
      let predicted = network.predict(
        x, timesteps: [5, 9], condition: Condition(tokens: tokens), dropout: nil)
      let read = network.denoiser.predict(
        x, timesteps: [5, 9], condition: Condition(text: states), dropout: nil)
      XCTAssertEqual(predicted.values, read.values)
      let other = network.predict(
        x, timesteps: [5, 9], condition: Condition(tokens: tokens.reversed()), dropout: nil)
      XCTAssertNotEqual(predicted.values, other.values)
    }
  }

  func testBothLearn() throws {
    let network = try network()
    let parameters = network.parameters.parameters
    XCTAssertEqual(Set(parameters.map { $0.key.prefix { $0 != "." } }), ["unet", "text_encoder"])
    XCTAssertEqual(
      network.parameters.parameterCount,
      network.denoiser.parameters.parameterCount + network.encoder.parameters.parameterCount)
    let (_, gradients) = valueAndGradients(of: parameters.map(\.tensor)) {
      meanSquaredError(
        network.predict(x, timesteps: [5, 9], condition: Condition(tokens: tokens), dropout: nil), x)
    }
    for key in ["unet.conv_in.weight", "text_encoder.text_model.embeddings.token_embedding.weight"] {
      let place = try XCTUnwrap(parameters.firstIndex { $0.key == key })
      XCTAssertTrue(gradients[place].values.contains { $0 != 0 }, key)
    }
    XCTAssertEqual(
      ParameterStore.part("text_encoder", of: parameters).map(\.key),
      network.encoder.parameters.parameters.map(\.key))
  }
}
