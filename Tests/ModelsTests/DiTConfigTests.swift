import Foundation
import Models
import TestSupport
import XCTest

final class DiTConfigTests: XCTestCase {
  private func decode(_ json: String) throws -> DiTConfig {
    try JSONDecoder().decode(DiTConfig.self, from: Data(json.utf8))
  }

  func testEveryKeyThatDiffusersWritesIsReadAndWrittenBack() throws {
    XCTAssertEqual(try decode("{}"), DiTConfig())
    for name in ["learned-sigma", "affine-patch4"] {
      try assertConfigSurvives(DiTConfig.self, Fixtures.url("dit/\(name)/config.json"))
    }
  }

  /// As `facebook/DiT-XL-2-256` has it, from before the class had a name of its own.
  func testTheFormOfOlderReleasesIsRead() throws {
    let config = try decode(
      """
      {"_class_name": "Transformer2DModel", "_diffusers_version": "0.12.0.dev0", "activation_fn": "gelu-approximate",
       "attention_bias": true, "attention_head_dim": 72, "cross_attention_dim": null, "dropout": 0.0,
       "in_channels": 4, "norm_elementwise_affine": false, "norm_num_groups": 32, "norm_type": "ada_norm_zero",
       "num_attention_heads": 16, "num_embeds_ada_norm": 1000, "num_layers": 28, "num_vector_embeds": null,
       "only_cross_attention": false, "out_channels": 8, "patch_size": 2, "sample_size": 32,
       "upcast_attention": false, "use_linear_projection": false}
      """)
    try config.validate()
    XCTAssertEqual([config.width, config.predictedChannels, config.nullClass ?? 0], [1152, 8, 1000])
  }

  func testWhatCannotBeIsRefusedByName() {
    for (changes, expected) in [
      (
        #""nun_layers": 2"#,
        "unknown key 'nun_layers'; the known ones are those of diffusers' DiTTransformer2DModel"
      ),
      (#""cross_attention_dim": 768"#, "'cross_attention_dim', which cannot be used here"),
      (#""norm_type": "ada_norm""#, "'norm_type' ('ada_norm') that is not one of ada_norm_zero"),
      (#""activation_fn": "geglu""#, "one of gelu, gelu-approximate, linear-silu"),
      (#""num_layers": 0"#, "num_layers 0"),
      (#""num_layers": "2""#, "'num_layers' ('2') that is not a whole number"),
      (#""attention_head_dim": 0"#, "attention_head_dim 0"),
      (#""attention_head_dim": 9, "num_attention_heads": 2"#, "a multiple of 4"),
      (#""patch_size": 3"#, "sample_size 32, which its patch_size 3 does not divide"),
      (#""num_embeds_ada_norm": 0"#, "num_embeds_ada_norm 0"), (#""in_channels": 0"#, "channels outside"),
      (#""out_channels": -1"#, "channels outside"), (#""dropout": 1"#, "dropout 1.0"),
      (#""norm_eps": -1"#, "norm_eps -1.0"),
    ] {
      do {
        try decode("{\(changes)}").validate()
        XCTFail("\(changes) was taken")
      } catch { XCTAssertTrue("\(error)".contains(expected), "\(changes): \(error)") }
    }
  }
}

/// That a configuration of diffusers' says the same when it is written back, under no fewer keys.
func assertConfigSurvives<Config: ModelConfig>(_: Config.Type, _ url: URL) throws {
  let data = try Data(contentsOf: url)
  let config = try JSONDecoder().decode(Config.self, from: data)
  let written = try JSONEncoder().encode(config)
  XCTAssertEqual(try JSONDecoder().decode(Config.self, from: written), config, url.path)
  let theirs = try XCTUnwrap(JSONSerialization.jsonObject(with: data) as? [String: Any])
  let ours = try XCTUnwrap(JSONSerialization.jsonObject(with: written) as? [String: Any])
  XCTAssertEqual(Set(theirs.keys).subtracting(ours.keys), [], "\(url.path): lost keys")
  XCTAssertEqual(ours["_class_name"] as? String, Config.className)
}
