import Foundation
import Models
import NN
import TensorCore
import TestSupport
import XCTest

/// The diffusion transformer against diffusers': outputs, loss and every gradient. Fixtures by `make_dit.py`.
final class DiTTests: XCTestCase {
  private let names = ["learned-sigma", "affine-patch4"]

  private func load(_ name: String) throws -> DiT {
    let folder = Fixtures.url("dit/\(name)")
    let config = try DiTConfig(contentsOf: folder.appending(path: "config.json"))
    let checkpoint = try Checkpoint(folder: folder, stem: "diffusion_pytorch_model")
    return try DiT(config, ParameterStore(.checkpoint(checkpoint)))
  }

  func testOutputsLossesAndGradientsEqualDiffusers() throws {
    for name in names {
      let model = try load(name)
      let given = try Fixtures.tensors("dit/\(name)/case.safetensors")
      let (sample, target) = (try given.tensor("sample"), try given.tensor("target"))
      let timesteps = try given.tensor("timesteps").values
      let labels = ClassLabels.indices(try given.tensor("labels").values.map { Int($0) })

      // 1e-4: both sides round in f32, in another order of summation.
      assertClose(
        withoutGradients { model(sample, timesteps: timesteps, labels: labels) }, try given.tensor("output"),
        relative: 1e-4, "\(name): output")
      let large = try given.tensor("large")
      assertClose(
        withoutGradients { model(large, timesteps: timesteps, labels: labels) },
        try given.tensor("output-large"), relative: 1e-4, "\(name): output of another size")
      try assertGradients(
        of: model.parameters, equal: "dit/\(name)", loss: try given.tensor("loss"), name
      ) { meanSquaredError(model(sample, timesteps: timesteps, labels: labels), target) }
    }
  }

  private func noise(_ shape: [Int], index: UInt32 = 0) -> Tensor {
    let key = NoiseKey(seed: 3, index: index, step: 0, purpose: .drawing)
    return Tensor(Philox(key).normal(shape.reduce(1, *)), shape: shape)
  }

  private func small(dropout: Float = 0) -> DiTConfig {
    var config = DiTConfig()
    (config.numAttentionHeads, config.attentionHeadDim, config.numLayers) = (2, 32, 2)
    (config.sampleSize, config.patchSize, config.numEmbedsAdaNorm) = (8, 2, 3)
    config.dropout = dropout
    return config
  }

  /// Every gate and the last map begin at 0, so that a fresh network says 0 and yet learns.
  func testAFreshNetworkPredictsZeroAndHasAGradient() throws {
    let model = try DiT(small(), ParameterStore(.fresh(seed: 1)))
    let x = noise([2, 4, 8, 8])
    let y = withoutGradients { model(x, timesteps: [5, 9], labels: [0, 3]) }
    XCTAssertEqual(y.values, Array(repeating: 0, count: x.count))
    let (_, gradients) = valueAndGradients(of: model.parameters.parameters.map(\.tensor)) {
      meanSquaredError(model(x, timesteps: [5, 9], labels: [0, 3]), x)
    }
    let moved = zip(model.parameters.parameters, gradients).filter { $1.values.contains { $0 != 0 } }
    XCTAssertEqual(moved.map(\.0.key), ["proj_out_2.weight", "proj_out_2.bias"])
  }

  /// A picture's bits do not depend on its neighbours, nor on a side that is not square.
  func testBitsDoNotDependOnTheBatch() throws {
    let model = try load("learned-sigma")
    let x = noise([3, 4, 12, 20])
    withoutGradients {
      let all = model(x, timesteps: [1, 2, 3], labels: [0, 1, 2])
      XCTAssertEqual(all.shape, [3, 8, 12, 20])
      let one = model(x.rows(1..<2), timesteps: [2], labels: [1])
      assertSameBits(all.rows(1..<2), one)
    }
  }

  func testDropoutIsKeyed() throws {
    let config = small(dropout: 0.5)
    let checkpoint = ParameterStore(.fresh(seed: 1))
    let model = try DiT(config, checkpoint)
    // Fresh gates are 0 and would hide what is dropped.
    for (index, parameter) in checkpoint.parameters.enumerated() {
      parameter.tensor.overwrite(with: 0.1 * noise(parameter.tensor.shape, index: UInt32(index)))
    }
    func run(_ step: UInt32?) -> [Float] {
      let key = step.map { NoiseKey(seed: 1, index: 0, step: $0, purpose: .dropout) }
      return withoutGradients {
        model(noise([1, 4, 8, 8]), timesteps: [5], labels: [0], dropout: key).values
      }
    }
    XCTAssertEqual(run(1), run(1))
    XCTAssertNotEqual(run(1), run(2))
    XCTAssertNotEqual(run(1), run(nil))
  }

  /// Counted by PyTorch: `sum(p.numel() for p in DiTTransformer2DModel(**config).parameters())`, diffusers 0.42.1.
  func testPresetsHaveTheSizesThatDiffusersCounts() throws {
    let counts = [
      "dit-tiny-1": 5_745_603, "dit-tiny-2": 5_749_068, "dit-tiny-4": 5_762_928, "dit-tiny-8": 5_818_368,
      "dit-s-2": 39_805_088, "dit-s-4": 39_860_480, "dit-s-8": 40_082_048,
      "dit-b-2": 147_439_904, "dit-b-4": 147_550_592, "dit-b-8": 147_993_344,
      "dit-l-2": 511_609_888, "dit-l-4": 511_757_440, "dit-l-8": 512_347_648,
      "dit-xl-2": 749_826_464, "dit-xl-4": 749_992_448, "dit-xl-8": 750_656_384,
    ]
    XCTAssertEqual(Set(DiTPreset.allCases.map(\.rawValue)), Set(counts.keys))
    for preset in DiTPreset.allCases {
      let plan = ParameterStore(.plan)
      _ = try DiT(preset.config, plan)
      XCTAssertEqual(plan.parameterCount, counts[preset.rawValue], preset.rawValue)
      XCTAssertEqual(DiTPreset(rawValue: preset.rawValue), preset)
    }
    XCTAssertNil(DiTPreset(rawValue: "dit-s-3"))
  }
}
