import Foundation
import Models
import TestSupport
import XCTest

final class UNet2DConfigTests: XCTestCase {
  private func decode(_ json: String) throws -> UNet2DConfig {
    try JSONDecoder().decode(UNet2DConfig.self, from: Data(json.utf8))
  }

  /// What is wrong with diffusers' defaults under these changes; nil where nothing is.
  private func problem(_ changes: String) -> String? {
    do {
      try decode("{\(changes)}").validate()
      return nil
    } catch { return "\(error)" }
  }

  private func assert(_ changes: String, isRefusedWith expected: String) {
    let problem = problem(changes) ?? "nothing wrong"
    XCTAssertTrue(problem.contains(expected), "\(changes): \(problem)")
  }

  func testAbsentKeysAreDiffusersDefaults() throws {
    XCTAssertEqual(try decode("{}"), UNet2DConfig())
    XCTAssertNil(problem(""))
  }

  func testEveryKeyThatDiffusersWritesIsReadAndWrittenBack() throws {
    let folder = Fixtures.url("unet")
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
      try assertConfigSurvives(UNet2DConfig.self, folder.appending(path: "\(name)/config.json"))
    }
  }

  func testWhatIsUnknownIsRefusedByName() {
    for (changes, expected) in [
      (#""layers_per_blok": 2"#, "unknown key 'layers_per_blok'"),
      (
        #""down_block_types": ["FooBlock"]"#,
        "'FooBlock' among its 'down_block_types', which is not one of DownBlock2D, AttnDownBlock2D"
      ),
      (
        #""up_block_types": ["CrossAttnUpBlock2D"]"#,
        "UpBlock2D, AttnUpBlock2D, ResnetUpsampleBlock2D, SkipUp"
      ),
      (#""mid_block_type": "Foo""#, "'mid_block_type' ('Foo') that is not null or one of UNetMidBlock2D"),
      (#""time_embedding_type": "foo""#, "positional, fourier, learned"),
      (#""act_fn": "foo""#, "silu, swish, mish, gelu and relu are known"),
      (#""sample_size": [1, 2, 3]"#, "a pair [height, width]"),
      (#""block_out_channels": 5"#, "'block_out_channels' (5) that is not a list of whole numbers"),
    ] { assert(changes, isRefusedWith: expected) }
    XCTAssertNil(problem(#""act_fn": "swish", "_name_or_path": "somewhere""#))
  }

  /// Each of these would otherwise end in a trap, deep in the network.
  func testWhatCannotBeBuiltNamesTheKeyOrTheLayer() {
    for (changes, expected) in [
      (#""block_out_channels": [32]"#, "there must be as many of each"),
      (#""block_out_channels": [32, 64, 96, 100000]"#, "outside 1 to 16384"),
      (
        #""norm_num_groups": 0"#, "'down_blocks.0.resnets.0.norm1' 224 channels, which 0 groups do not divide"
      ),
      (#""norm_num_groups": 64"#, "'down_blocks.0.resnets.0.norm1' 224 channels, which 64 groups"),
      (#""attn_norm_num_groups": 5"#, "'mid_block.attentions.0.group_norm' 896 channels, which 5 groups"),
      (#""attention_head_dim": 0"#, "'down_blocks.1.attentions.0' 448 channels, too few for a head of 0"),
      (#""attention_head_dim": 500"#, "'down_blocks.1.attentions.0' 448 channels, too few for a head of 500"),
      (#""time_embedding_dim": 0"#, "time_embedding_dim 0"),
      (#""num_class_embeds": -1"#, "num_class_embeds -1"),
      (#""time_embedding_type": "learned""#, "without num_train_timesteps"),
      (#""dropout": 1"#, "dropout 1.0"),
      (#""norm_eps": -1"#, "norm_eps -1.0"),
    ] { assert(changes, isRefusedWith: expected) }
  }

  /// As diffusers, which fails on the refused ones when the first picture goes through.
  func testSkipBlocksMustFormOneBranch() {
    func skips(_ down: [String], _ up: [String], channels: Int = 3) -> String? {
      func list(_ types: [String]) -> String { types.map { "\"\($0)2D\"" }.joined(separator: ", ") }
      return problem(
        """
        "block_out_channels": [32, 32, 32], "in_channels": \(channels), "out_channels": \(channels),
        "down_block_types": [\(list(down))], "up_block_types": [\(list(up))]
        """)
    }
    let down = ["SkipDownBlock", "AttnSkipDownBlock", "DownBlock"]
    let up = ["UpBlock", "AttnSkipUpBlock", "SkipUpBlock"]
    XCTAssertNil(skips(down, up))
    XCTAssertEqual(
      skips(["DownBlock", "SkipDownBlock", "DownBlock"], up),
      "the configuration has SkipDownBlock2D below a down block that is no Skip block.")
    XCTAssertEqual(
      skips(down, ["SkipUpBlock", "UpBlock", "SkipUpBlock"]),
      "the configuration has SkipUpBlock2D before an up block that is no Skip block.")
    XCTAssertEqual(
      skips(down, up, channels: 1),
      "the configuration gives the layer 'down_blocks.0' pictures of 1 channels; Skip blocks are for 3.")
    // At the lowest and at the full resolution they have no picture to pass on, whatever stands beside them.
    XCTAssertNil(
      skips(["DownBlock", "DownBlock", "SkipDownBlock"], ["UpBlock", "UpBlock", "SkipUpBlock"], channels: 1))
  }
}
