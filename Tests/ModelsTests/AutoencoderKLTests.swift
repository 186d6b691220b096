import Foundation
import Models
import NN
import TensorCore
import TestSupport
import XCTest

/// The autoencoder against diffusers': moments, draws, pictures, loss, every gradient, and tiles. Fixtures by `make_vae.py`.
final class AutoencoderKLTests: XCTestCase {
  private let names = ["quant", "no-quant"]

  private func load(_ name: String) throws -> AutoencoderKL {
    let folder = Fixtures.url("vae/\(name)")
    let config = try AutoencoderKLConfig(contentsOf: folder.appending(path: "config.json"))
    let checkpoint = try Checkpoint(folder: folder, stem: "diffusion_pytorch_model")
    return try AutoencoderKL(config, ParameterStore(.checkpoint(checkpoint)))
  }

  // 1e-4 throughout: both sides round in f32, in another order of summation; Winograd adds 1e-6 a layer.

  func testOutputsLossesAndGradientsEqualDiffusers() throws {
    for name in names {
      let model = try load(name)
      let given = try Fixtures.tensors("vae/\(name)/case.safetensors")
      let (picture, noise) = (try given.tensor("picture"), try given.tensor("noise"))
      let target = try given.tensor("target")
      try withoutGradients {
        let posterior = model.encode(picture)
        assertClose(posterior.mean, try given.tensor("mean"), relative: 1e-4, "\(name): mean")
        assertClose(posterior.logVariance, try given.tensor("logvar"), relative: 1e-4, "\(name): logvar")
        assertClose(posterior.divergence, try given.tensor("kl"), relative: 1e-4, "\(name): divergence")
        let z = posterior.sample(noise)
        assertClose(z, try given.tensor("z"), relative: 1e-4, "\(name): draw")
        assertClose(model.decode(z), try given.tensor("decoded"), relative: 1e-4, "\(name): picture")
        assertClose(model.unscaled(model.scaled(z)), z, relative: 1e-5, "\(name): scaled and back")
      }
      try assertGradients(
        of: model.parameters, equal: "vae/\(name)", loss: try given.tensor("loss"), name
      ) {
        let posterior = model.encode(picture)
        let error = meanSquaredError(model.decode(posterior.sample(noise)), target)
        return error + 1e-3 * posterior.divergence
      }
    }
  }

  func testTilesEqualDiffusersTiles() throws {
    for name in names {
      let model = try load(name)
      let given = try Fixtures.tensors("vae/\(name)/case.safetensors")
      let latents = model.encode(try given.tensor("large"), tile: 16, normalization: .ofTile).mean
      assertClose(latents, try given.tensor("tiled-mean"), relative: 1e-4, "\(name): tiled encoding")
      let decoded = model.decode(try given.tensor("tiled-mean"), tile: 16, normalization: .ofTile)
      assertClose(decoded, try given.tensor("tiled-decoded"), relative: 1e-4, "\(name): tiled decoding")
    }
  }

  /// Tiles that are normalised as parts of the whole are several times nearer to the whole than diffusers': what is
  /// left are borders, of which random weights make much.
  func testTilesOfAPictureAreNearTheWhole() throws {
    let model = try load("quant")
    let key = NoiseKey(seed: 3, index: 0, step: 0, purpose: .drawing)
    // Brighter to one side, so that tiles differ.
    let values = Philox(key).normal(4 * 48 * 48).enumerated().map { 0.5 * $1 + Float($0 % 48) / 12 - 2 }
    let z = Tensor(values, shape: [1, 4, 48, 48])
    func error(_ tiled: Tensor, _ whole: Tensor) -> Float {
      zip(tiled.values, whole.values).map { abs($0 - $1) }.reduce(0, +) / Float(whole.count)
    }
    let whole = withoutGradients { model.decode(z) }
    let decoded = (
      error(model.decode(z, tile: 96), whole), error(model.decode(z, tile: 96, normalization: .ofTile), whole)
    )
    XCTAssertLessThan(decoded.0, 0.3 * decoded.1)
    let means = withoutGradients { model.encode(whole).mean }
    let encoded = (
      error(model.encode(whole, tile: 96).mean, means),
      error(model.encode(whole, tile: 96, normalization: .ofTile).mean, means)
    )
    XCTAssertLessThan(encoded.0, 0.5 * encoded.1)
    assertClose(model.decode(z, tile: 192), whole, relative: 1e-4, "one tile is the whole")
    XCTAssertEqual(model.decode(z.cropped(rows: 0..<33, columns: 0..<48), tile: 96).shape, [1, 3, 132, 192])
  }

  func testBitsDoNotDependOnTheBatch() throws {
    let model = try load("quant")
    let key = NoiseKey(seed: 3, index: 0, step: 0, purpose: .drawing)
    let z = Tensor(Philox(key).normal(3 * 4 * 6 * 10), shape: [3, 4, 6, 10])
    withoutGradients {
      let (all, one) = (model.decode(z), model.decode(z.rows(1..<2)))
      XCTAssertEqual(all.shape, [3, 3, 24, 40])
      assertSameBits(all.rows(1..<2), one)
      let (whole, part) = (model.encode(all).mean, model.encode(one).mean)
      assertSameBits(whole.rows(1..<2), part)
    }
  }

  /// Counted by PyTorch: `sum(p.numel() for p in AutoencoderKL(**config).parameters())`, diffusers 0.42.1.
  func testPresetsHaveTheSizesThatDiffusersCounts() throws {
    let counts: [AutoencoderKLPreset: Int] = [.tinyF4: 954_567, .klF8: 83_653_863]
    for preset in AutoencoderKLPreset.allCases {
      let plan = ParameterStore(.plan)
      _ = try AutoencoderKL(preset.config, plan)
      XCTAssertEqual(plan.parameterCount, counts[preset], preset.rawValue)
    }
  }

  // MARK: - Configurations

  func testEveryKeyThatDiffusersWritesIsReadAndWrittenBack() throws {
    XCTAssertEqual(
      try JSONDecoder().decode(AutoencoderKLConfig.self, from: Data("{}".utf8)), AutoencoderKLConfig())
    for name in names {
      try assertConfigSurvives(AutoencoderKLConfig.self, Fixtures.url("vae/\(name)/config.json"))
    }
  }

  func testWhatCannotBeIsRefusedByName() {
    for (changes, expected) in [
      (
        #""latent_chanels": 4"#,
        "unknown key 'latent_chanels'; the known ones are those of diffusers' AutoencoderKL"
      ),
      (#""latents_mean": [0, 0, 0, 0]"#, "'latents_mean', which cannot be used here"),
      (#""down_block_types": ["DownBlock2D"]"#, "one of DownEncoderBlock2D, AttnDownEncoderBlock2D"),
      (#""block_out_channels": [32, 64]"#, "there must be as many of each"),
      (#""norm_num_groups": 7"#, "'encoder.down_blocks.0.resnets.0.norm1' 64 channels, which 7 groups"),
      (#""latent_channels": 0"#, "channels outside"), (#""layers_per_block": 0"#, "layers_per_block 0"),
      (#""scaling_factor": 0"#, "scaling_factor 0"), (#""act_fn": "foo""#, "unknown act_fn 'foo'"),
      (#""sample_size": 0"#, "a pair [height, width]"),
    ] {
      do {
        try JSONDecoder().decode(AutoencoderKLConfig.self, from: Data("{\(changes)}".utf8)).validate()
        XCTFail("\(changes) was taken")
      } catch { XCTAssertTrue("\(error)".contains(expected), "\(changes): \(error)") }
    }
  }
}
