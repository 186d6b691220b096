import Foundation
import Models
import NN
import TensorCore
import TestSupport
import XCTest

/// CLIP's text half against transformers': all states, the pooled one and every gradient. Fixtures by `make_clip_text.py`.
final class CLIPTextEncoderTests: XCTestCase {
  /// `flat` has its keys without `text_model.`, and `position_ids` among them.
  private let names = ["quick-gelu", "projected", "flat"]

  private func load(_ name: String) throws -> CLIPTextEncoder {
    let folder = Fixtures.url("clip-text/\(name)")
    let config = try CLIPTextConfig(contentsOf: folder.appending(path: "config.json"))
    return try CLIPTextEncoder(
      config, ParameterStore(.checkpoint(try Checkpoint(folder: folder, stem: "model"))))
  }

  private func ids(_ file: SafetensorsFile) throws -> [[Int]] {
    let given = try file.tensor("ids")
    return (0..<given.shape[0]).map { given.rows($0..<$0 + 1).values.map { Int($0) } }
  }

  func testStatesLossesAndGradientsEqualTransformers() throws {
    for name in names {
      let model = try load(name)
      let given = try Fixtures.tensors("clip-text/\(name)/case.safetensors")
      let ids = try ids(given)
      try withoutGradients {
        let last = model(ids)
        // 1e-4: both sides round in f32, in another order of summation.
        assertClose(last.states, try given.tensor("states"), relative: 1e-4, "\(name): states")
        assertClose(last.pooled, try given.tensor("pooled"), relative: 1e-4, "\(name): pooled")
        let hidden = try given.tensor("hidden")
        let layers = hidden.shape[0] - 1
        func hiddenState(_ i: Int) -> Tensor { hidden.rows(i..<i + 1).reshaped(last.states.shape) }
        let skipped = try given.tensor("skipped")
        for (choice, expected) in [
          (CLIPTextEncoder.Choice.clipSkip(1), skipped), (.a1111ClipSkip(2), skipped),
          (.a1111ClipSkip(1), try given.tensor("states")), (.sdxl(), hiddenState(layers - 1)),
          (.sdxl(clipSkip: 1), hiddenState(layers - 2)), (.sdxl(clipSkip: 2), hiddenState(layers - 3)),
        ] {
          let output = model(ids, choice)
          assertClose(output.states, expected, relative: 1e-4, "\(name): \(choice)")
          XCTAssertEqual(
            output.pooled.values, last.pooled.values, "\(name): the pooled state is the last layer's")
        }
      }
      try assertGradients(
        of: model.parameters, equal: "clip-text/\(name)", loss: try given.tensor("loss"), name
      ) {
        let output = model(ids)
        return meanSquaredError(output.states, try given.tensor("target"))
          + meanSquaredError(output.pooled, try given.tensor("pooled-target"))
      }
    }
  }

  func testWhatIsSavedHasKeysWithThePrefixAndComputesTheSameBits() throws {
    let made = try load("flat")
    let folder = try temporaryFolder(for: self)
    try SafetensorsWriter.write(made.parameters.all, to: folder.appending(path: "model.safetensors"))
    let checkpoint = try Checkpoint(folder: folder, stem: "model")
    XCTAssert(checkpoint.keys.allSatisfy { $0.hasPrefix("text_model.") })
    let read = try CLIPTextEncoder(made.config, ParameterStore(.checkpoint(checkpoint)))
    let texts = [[38, 5, 6, 39]]
    withoutGradients {
      XCTAssertEqual(read(texts).states.values.map(\.bitPattern), made(texts).states.values.map(\.bitPattern))
    }
  }

  /// A token may not know what follows it, nor a text what stands beside it.
  func testATokenSeesNeitherWhatFollowsNorItsNeighbours() throws {
    let model = try load("projected")
    withoutGradients {
      let both = model([[38, 4, 9, 30], [38, 4, 12, 39]]).states
      let one = model([[38, 4, 12, 39]]).states
      XCTAssertEqual(both.rows(1..<2).values.map(\.bitPattern), one.values.map(\.bitPattern))
      let width = 2 * model.config.hiddenSize
      XCTAssertEqual(Array(both.rows(0..<1).values.prefix(width)), Array(one.values.prefix(width)))
      XCTAssertNotEqual(both.rows(0..<1).values, one.values)
    }
  }

  func testConfigurationsSurvive() throws {
    for name in names {
      let data = try Data(contentsOf: Fixtures.url("clip-text/\(name)/config.json"))
      let config = try JSONDecoder().decode(CLIPTextConfig.self, from: data)
      let written = try JSONEncoder().encode(config)
      XCTAssertEqual(try JSONDecoder().decode(CLIPTextConfig.self, from: written), config)
      var theirs = try XCTUnwrap(JSONSerialization.jsonObject(with: data) as? [String: NSObject])
      theirs["dtype"] = nil  // transformers' note on the file
      theirs["initializer_factor"] = nil  // must be written 1.0, which JSONEncoder does not
      let ours = try XCTUnwrap(JSONSerialization.jsonObject(with: written) as? [String: NSObject])
      XCTAssertEqual(ours, theirs)
    }
  }

  func testWhatCannotBeBuiltIsRefusedByItsKey() {
    for (changes, expected) in [
      (#""model_type": "t5""#, "model_type 't5'"),
      (#""architectures": ["T5EncoderModel"]"#, "architecture 'T5EncoderModel'; one of CLIPTextModel, "),
      (#""hidden_act": "tanh""#, "unknown hidden_act 'tanh'"),
      (#""num_attention_heads": 7"#, "hidden_size of 512, which num_attention_heads 7 does not divide"),
      (#""vocab_size": 0"#, "vocab_size 0"),
      (#""eos_token_id": [1, 2]"#, "'eos_token_id' that is not a whole"),
    ] {
      XCTAssertThrowsError(
        try JSONDecoder().decode(CLIPTextConfig.self, from: Data("{\(changes)}".utf8)).validate()
      ) { XCTAssertTrue("\($0)".contains(expected), "\(changes): \($0)") }
    }
  }

  /// Counted by PyTorch: `sum(p.numel() for p in CLIPTextModel(config).parameters())`, transformers 5.23.
  func testPresetsHaveTheSizesThatTransformersCounts() throws {
    let counts: [CLIPTextPreset: Int] = [
      .tiny: 3_267_136, .large: 123_060_480, .huge: 340_387_840, .bigG: 694_659_840,
    ]
    for preset in CLIPTextPreset.allCases {
      let plan = ParameterStore(.plan)
      _ = try CLIPTextEncoder(preset.config, plan)
      XCTAssertEqual(plan.parameterCount, counts[preset], preset.rawValue)
    }
  }
}
