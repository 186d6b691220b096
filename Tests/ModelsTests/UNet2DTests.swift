import Foundation
import Models
import NN
import TensorCore
import TestSupport
import XCTest

/// The network against diffusers': outputs, loss and every gradient, for configurations that between them use
/// every block type and option. Fixtures by `make_unet.py`.
final class UNet2DTests: XCTestCase {
  private let names = [
    "attention-classes", "scale-shift-resnet", "cifar-like", "skip-fourier", "timestep-classes",
    "learned-time", "uneven-heads",
  ]

  private func load(_ name: String) throws -> UNet2D {
    let folder = Fixtures.url("unet/\(name)")
    let config = try UNet2DConfig(contentsOf: folder.appending(path: "config.json"))
    let checkpoint = try Checkpoint(folder: folder, stem: "diffusion_pytorch_model")
    return try UNet2D(config, ParameterStore(.checkpoint(checkpoint)))
  }

  func testOutputsLossesAndGradientsEqualDiffusers() throws {
    for name in names {
      let model = try load(name)
      let given = try Fixtures.tensors("unet/\(name)/case.safetensors")
      let sample = try given.tensor("sample")
      let timesteps = try given.tensor("timesteps").values
      let labels = try given.entries["labels"].map { _ in
        ClassLabels.indices(try given.tensor("labels").values.map { Int($0) })
      }
      let target = try given.tensor("target")

      let inferred = withoutGradients { model(sample, timesteps: timesteps, labels: labels) }
      // 1e-4: both sides round in f32, in another order of summation; Winograd adds 1e-6 a layer.
      assertClose(inferred, try given.tensor("output"), relative: 1e-4, "\(name): output")

      try assertGradients(
        of: model.parameters, equal: "unet/\(name)", loss: try given.tensor("loss"), name
      ) { meanSquaredError(model(sample, timesteps: timesteps, labels: labels), target) }
    }
  }

  private func small() -> UNet2DConfig {
    var config = UNet2DConfig()
    config.blockOutChannels = [8, 8]
    config.layersPerBlock = 1
    config.normNumGroups = 4
    config.downBlockTypes = [.plain, .plain]
    config.upBlockTypes = [.plain, .plain]
    return config
  }

  private func noise() -> Tensor {
    Tensor(
      Philox(NoiseKey(seed: 3, index: 0, step: 0, purpose: .drawing)).normal(2 * 3 * 64), shape: [2, 3, 8, 8])
  }

  func testWhatIsSavedComputesTheSameBits() throws {
    var config = small()
    config.timeEmbeddingType = .fourier  // which has a tensor that is saved but not trained
    let made = try UNet2D(config, ParameterStore(.fresh(seed: 1)))
    let folder = try temporaryFolder(for: self)
    try SafetensorsWriter.write(made.parameters.all, to: folder.appending(path: "m.safetensors"))
    let read = try UNet2D(config, ParameterStore(.checkpoint(try Checkpoint(folder: folder, stem: "m"))))
    XCTAssertEqual(read.parameters.all.map(\.key), made.parameters.all.map(\.key))
    withoutGradients {
      assertSameBits(read(noise(), timesteps: [5, 9]), made(noise(), timesteps: [5, 9]))
    }
  }

  /// diffusers adds such vectors to the time embedding as they are: zeros change nothing, others do.
  func testIdentityClassEmbeddingsAreAdded() throws {
    let plain = try UNet2D(small(), ParameterStore(.fresh(seed: 1)))
    var config = small()
    config.classEmbedType = .identity
    let network = try UNet2D(config, ParameterStore(.fresh(seed: 1)))
    withoutGradients {
      let expected = plain(noise(), timesteps: [5, 9])
      let zeros = ClassLabels.vectors(.zeros([2, 32]))
      XCTAssertEqual(network(noise(), timesteps: [5, 9], labels: zeros).values, expected.values)
      let ones = ClassLabels.vectors(.full([2, 32], 1))
      XCTAssertNotEqual(network(noise(), timesteps: [5, 9], labels: ones).values, expected.values)
    }
  }

  /// Counted by PyTorch: `sum(p.numel() for p in UNet2DModel(**config).parameters())`, diffusers 0.42.1.
  func testPresetsHaveTheSizesThatDiffusersCounts() throws {
    let counts: [UNet2DPreset: Int] = [
      .tiny32: 1_806_275, .small32: 10_729_731, .cifar32: 35_746_307, .small64: 22_080_323,
    ]
    for preset in UNet2DPreset.allCases {
      let plan = ParameterStore(.plan)
      _ = try UNet2D(preset.config, plan)
      XCTAssertEqual(plan.parameterCount, counts[preset], preset.rawValue)
    }
  }
}
