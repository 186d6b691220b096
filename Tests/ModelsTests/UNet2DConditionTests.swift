import Foundation
import Models
import NN
import TensorCore
import TestSupport
import XCTest

/// The U-Net that reads a text against diffusers': outputs, loss and every gradient. Fixtures by `make_unet_condition.py`.
final class UNet2DConditionTests: XCTestCase {
  static let names = ["sd-1", "sd-2", "sdxl", "upscaler", "others", "no-middle", "class-timestep"]

  private func load(_ name: String) throws -> UNet2DCondition {
    let folder = Fixtures.url("unet-condition/\(name)")
    let config = try UNet2DConditionConfig(contentsOf: folder.appending(path: "config.json"))
    let checkpoint = try Checkpoint(folder: folder, stem: "diffusion_pytorch_model")
    return try UNet2DCondition(config, ParameterStore(.checkpoint(checkpoint)))
  }

  func testOutputsLossesAndGradientsEqualDiffusers() throws {
    for name in Self.names {
      let model = try load(name)
      let given = try Fixtures.tensors("unet-condition/\(name)/case.safetensors")
      func optional(_ key: String) throws -> Tensor? {
        try given.entries[key].map { _ in try given.tensor(key) }
      }
      let (sample, target) = (try given.tensor("sample"), try given.tensor("target"))
      let timesteps = try given.tensor("timesteps").values
      let text = TextStates(try given.tensor("text"), mask: try optional("mask"))
      let labels =
        try optional("labels").map { ClassLabels.indices($0.values.map { Int($0) }) }
        ?? optional("vectors").map { ClassLabels.vectors($0) }
      let (guidance, pooled, sizes) = try (optional("guidance"), optional("pooled"), optional("sizes"))
      func predict() -> Tensor {
        model(
          sample, timesteps: timesteps, text: text, labels: labels, guidance: guidance, pooledText: pooled,
          sizes: sizes)
      }
      // 1e-4: both sides round in f32, in another order of summation; Winograd adds 1e-6 a layer.
      assertClose(
        withoutGradients(predict), try given.tensor("output"), relative: 1e-4, "\(name): output")
      try assertGradients(
        of: model.parameters, equal: "unet-condition/\(name)", loss: try given.tensor("loss"), name
      ) { meanSquaredError(predict(), target) }
    }
  }

  func testWhatIsSavedComputesTheSameBits() throws {
    var config = UNet2DConditionPreset.tiny.config
    config.sampleSize = [8, 8]
    let made = try UNet2DCondition(config, ParameterStore(.fresh(seed: 1)))
    let folder = try temporaryFolder(for: self)
    try SafetensorsWriter.write(made.parameters.all, to: folder.appending(path: "m.safetensors"))
    let read = try UNet2DCondition(
      config, ParameterStore(.checkpoint(try Checkpoint(folder: folder, stem: "m"))))
    XCTAssertEqual(read.parameters.all.map(\.key), made.parameters.all.map(\.key))
    let (x, text) = (noise([2, config.inChannels, 8, 8]), noise([2, 6, config.textChannels]))
    withoutGradients {
      let states = TextStates(text)
      let all = made(x, timesteps: [5, 9], text: states)
      XCTAssertEqual(
        read(x, timesteps: [5, 9], text: states).values.map(\.bitPattern), all.values.map(\.bitPattern))
      // A picture's bits do not depend on its neighbours.
      let one = made(x.rows(1..<2), timesteps: [9], text: TextStates(text.rows(1..<2)))
      XCTAssertEqual(all.rows(1..<2).values.map(\.bitPattern), one.values.map(\.bitPattern))
    }
  }

  private func noise(_ shape: [Int]) -> Tensor {
    let key = NoiseKey(seed: 3, index: 0, step: UInt32(shape.count), purpose: .drawing)
    return Tensor(Philox(key).normal(shape.reduce(1, *)), shape: shape)
  }

  /// Counted by PyTorch: `sum(p.numel() for p in UNet2DConditionModel(**config).parameters())`, diffusers 0.42.1.
  func testPresetsHaveTheSizesThatDiffusersCounts() throws {
    let counts: [UNet2DConditionPreset: Int] = [
      .mini: 1_659_635, .tiny: 2_725_379, .sd15: 859_520_964, .sd21: 865_910_724, .sdxl: 2_567_463_684,
    ]
    for preset in UNet2DConditionPreset.allCases {
      let plan = ParameterStore(.plan)
      _ = try UNet2DCondition(preset.config, plan)
      XCTAssertEqual(plan.parameterCount, counts[preset], preset.rawValue)
    }
  }
}

final class UNet2DConditionConfigTests: XCTestCase {
  /// What is wrong with diffusers' defaults under these changes; nil where nothing is.
  private func problem(_ changes: String) -> String? {
    do {
      try JSONDecoder().decode(UNet2DConditionConfig.self, from: Data("{\(changes)}".utf8)).validate()
      return nil
    } catch { return "\(error)" }
  }

  func testEveryKeyThatDiffusersWritesIsReadAndWrittenBackAsItWas() throws {
    for name in UNet2DConditionTests.names {
      let url = Fixtures.url("unet-condition/\(name)/config.json")
      try assertConfigSurvives(UNet2DConditionConfig.self, url)
      // Numbers for all blocks and lists with one for each stay what they were.
      let config = try UNet2DConditionConfig(contentsOf: url)
      let theirs = try json(Data(contentsOf: url))
      for (key, value) in try json(JSONEncoder().encode(config)) where !key.hasPrefix("_") {
        XCTAssertEqual(value, theirs[key], "\(name): \(key)")
      }
    }
  }

  private func json(_ data: Data) throws -> [String: NSObject] {
    try XCTUnwrap(JSONSerialization.jsonObject(with: data) as? [String: NSObject])
  }

  func testAbsentKeysAreDiffusersDefaults() throws {
    XCTAssertEqual(
      try JSONDecoder().decode(UNet2DConditionConfig.self, from: Data("{}".utf8)), UNet2DConditionConfig())
    XCTAssertNil(problem(""))
  }

  func testWhatCannotBeRunIsRefusedByItsKey() {
    for (changes, expected) in [
      (#""down_block_types": ["KDownBlock2D"]"#, "not one of DownBlock2D, CrossAttnDownBlock2D"),
      (#""mid_block_type": "UNetMidBlock2DSimpleCrossAttn""#, "UNetMidBlock2DCrossAttn, UNetMidBlock2D"),
      (#""dual_cross_attention": true"#, "'dual_cross_attention', which cannot be used here"),
      (#""num_attention_heads": 8"#, "'num_attention_heads', which cannot be used here"),
      (#""time_embedding_type": "fourier""#, "'time_embedding_type', which cannot be used here"),
      (#""resnet_skip_time_act": true"#, "'resnet_skip_time_act', which cannot be used here"),
      (#""resnet_out_scale_factor": 2"#, "'resnet_out_scale_factor', which cannot be used here"),
      (#""attention_type": "gated""#, "'attention_type', which cannot be used here"),
      (#""class_embeddings_concat": true"#, "'class_embeddings_concat', which cannot be used here"),
      (
        #""addition_embed_type": "image""#,
        "'addition_embed_type' ('image') that is not null or one of text_time"
      ),
      (
        #""encoder_hid_dim_type": "image_proj""#,
        "'encoder_hid_dim_type' ('image_proj') that is not null or one of text_proj"
      ),
      (#""norm_num_groups": null"#, "'norm_num_groups' that is not a whole number"),
      (#""something_else": 1"#, "unknown key 'something_else'"),
      (#""addition_embed_type": "text_time""#, "without addition_time_embed_dim"),
      (#""encoder_hid_dim_type": "text_proj""#, "without encoder_hid_dim"),
      (#""class_embed_type": "projection""#, "without projection_class_embeddings_input_dim"),
      (#""attention_head_dim": [5, 10]"#, "another number of attention_head_dim than of block_out_channels"),
      (
        #""transformer_layers_per_block": [[1, 2], 1, 1, 1]"#,
        "without reverse_transformer_layers_per_block"
      ),
      (
        #""transformer_layers_per_block": [[1, 2, 3], 1, 1, 1], "reverse_transformer_layers_per_block": [1, 1, 1, 1]"#,
        "3 transformer_layers_per_block for the 2 layers of down block 0"
      ),
      (
        #""attention_head_dim": 400"#,
        "'down_blocks.0.attentions.0' 320 channels, too few for 400 heads"
      ),
      (#""norm_num_groups": 33"#, "'down_blocks.0.resnets.0.norm1' 320 channels, which 33 groups"),
      (#""conv_in_kernel": 4"#, "conv_in_kernel 4"),
    ] {
      let problem = problem(changes) ?? "nothing wrong"
      XCTAssertTrue(problem.contains(expected), "\(changes): \(problem)")
    }
  }
}
