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
    "learned-time",
  ]

  private func load(_ name: String) throws -> UNet2D {
    let folder = Fixtures.url("unet/\(name)")
    let config = try JSONDecoder().decode(
      UNet2DConfig.self, from: Data(contentsOf: folder.appending(path: "config.json")))
    let checkpoint = try Checkpoint(folder: folder, stem: "diffusion_pytorch_model")
    return try UNet2D(config, ParameterStore(.checkpoint(checkpoint)))
  }

  func testOutputsLossesAndGradientsEqualDiffusers() throws {
    for name in names {
      let model = try load(name)
      let given = try Fixtures.tensors("unet/\(name)/case.safetensors")
      let expected = try Fixtures.tensors("unet/\(name)/gradients.safetensors")
      let sample = try given.tensor("sample")
      let timesteps = try given.tensor("timesteps").values
      let labels = try given.entries["labels"].map { _ in
        ClassLabels.indices(try given.tensor("labels").values.map { Int($0) })
      }
      let target = try given.tensor("target")

      let inferred = withoutGradients { model(sample, timesteps: timesteps, labels: labels) }
      // 1e-4: both sides round in f32, in another order of summation; Winograd adds 1e-6 a layer.
      assertClose(inferred, try given.tensor("output"), relative: 1e-4, "\(name): output")

      let (loss, gradients) = valueAndGradients(of: model.parameters.parameters.map(\.tensor)) {
        meanSquaredError(model(sample, timesteps: timesteps, labels: labels), target)
      }
      assertClose(loss, try given.tensor("loss"), relative: 1e-4, "\(name): loss")
      let keys = model.parameters.parameters.map(\.key)
      XCTAssertEqual(Set(keys), Set(expected.entries.keys), "\(name): trainable parameters")
      // A gradient that is 0 in exact arithmetic (attention's key bias, which softmax cancels) is all
      // rounding noise on both sides; so it is measured against the largest of the whole network.
      let largest =
        try expected.entries.keys.map { try expected.tensor($0).values.map(abs).max() ?? 0 }.max() ?? 0
      for (key, gradient) in zip(keys, gradients) where expected.entries[key] != nil {
        let wanted = try expected.tensor(key)
        if key.hasSuffix("to_k.bias") {
          XCTAssertLessThan(gradient.values.map(abs).max() ?? 0, 1e-5 * largest, "\(name): \(key)")
        } else {
          assertClose(gradient, wanted, relative: 1e-3, "\(name): gradient of \(key)")
        }
      }
    }
  }
}
