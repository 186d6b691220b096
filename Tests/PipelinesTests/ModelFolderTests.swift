import Foundation
import Models
import NN
import Pipelines
import TensorCore
import TestSupport
import XCTest

/// Opening models' folders: every part is opened and checked before any weights are loaded.
final class ModelFolderTests: XCTestCase {
  private var copy = URL(fileURLWithPath: "/")

  private func copied(_ name: String) throws -> URL {
    copy = try temporaryFolder(for: self).appending(path: name)
    try FileManager.default.copyItem(at: Fixtures.url("pipelines/\(name)"), to: copy)
    return copy
  }

  private func edit(_ file: String, _ old: String, _ new: String) throws {
    let url = copy.appending(path: file)
    let text = try String(contentsOf: url, encoding: .utf8)
    XCTAssertTrue(text.contains(old), "\(file) has no \(old)")
    try text.replacingOccurrences(of: old, with: new).write(to: url, atomically: true, encoding: .utf8)
  }

  private func problem(_ body: () throws -> Void) -> String {
    do { try body() } catch { return error.localizedDescription }
    return "nothing was thrown"
  }

  private func opening() -> String { problem { _ = try ModelFolder(copy) } }

  func testEveryPartIsFoundByItsClass() throws {
    let folder = try ModelFolder(Fixtures.url("pipelines/ldm"))
    XCTAssertEqual(folder.components.map(\.place.name), ["scheduler", "unet", "vqvae"])
    XCTAssertEqual(folder.component(VAEFolder.self)?.config.latentChannels, folder.config.inChannels)
    XCTAssertNil(folder.component(VAEFolder.self, named: "vae"), "its name is vqvae")
  }

  func testAClassThatIsNotKnownIsNamed() throws {
    _ = try copied("ddim")
    try edit("unet/config.json", "\"UNet2DModel\"", "\"UNet3DConditionModel\"")
    XCTAssertTrue(opening().contains("unet/config.json describes a UNet3DConditionModel"), opening())
    _ = try copied("ddpm")
    try edit("model_index.json", "\"UNet2DModel\"", "\"PriorTransformer\"")
    XCTAssertTrue(opening().contains("has a PriorTransformer for its unet"), opening())
    XCTAssertTrue(opening().contains("UNet2DModel"), opening())
  }

  /// As `google/ddpm-cifar10-32` has them, with and without a `model_index.json`.
  func testAFolderWhoseFilesLieFlatOpens() throws {
    let expected = try ModelFolder(Fixtures.url("pipelines/ddpm"))
    let flat = try copied("ddpm")
    let files = FileManager.default
    for part in ["unet", "scheduler"] {
      let folder = flat.appending(path: part)
      for file in try files.contentsOfDirectory(atPath: folder.path) {
        try files.moveItem(at: folder.appending(path: file), to: flat.appending(path: file))
      }
      try files.removeItem(at: folder)
    }
    for hasIndex in [true, false] {
      if !hasIndex { try files.removeItem(at: flat.appending(path: PipelineIndex.fileName)) }
      let folder = try ModelFolder(flat)
      XCTAssertTrue(folder.config.isEqual(to: expected.config))
      XCTAssertEqual(try folder.scheduler, try expected.scheduler)
      XCTAssertEqual(
        try folder.denoiser().parameters.all.map(\.tensor.values),
        try expected.denoiser().parameters.all.map(\.tensor.values))
    }
  }

  func testASchedulerOfAnUnknownClassCanBeReplaced() throws {
    _ = try copied("ddim-v-zero-snr")
    let known = try ModelFolder(copy).schedulerComponent.config(schedule: nil, sampler: "euler")
    try edit("scheduler/scheduler_config.json", "\"DDIMScheduler\"", "\"SASolverScheduler\"")
    try edit("scheduler/scheduler_config.json", "{", "{\n  \"tau_func\": \"x\",")
    let folder = try ModelFolder(copy)
    let sentence = problem { _ = try folder.scheduler }
    XCTAssertTrue(sentence.contains("unknown class 'SASolverScheduler'"), sentence)
    XCTAssertTrue(sentence.contains("--sampler or --schedule"), sentence)
    let other = try folder.schedulerComponent.config(schedule: nil, sampler: "euler")
    XCTAssertEqual(other, known, "its noise and its prediction are the model's")
    let schedule = try folder.schedulerComponent.config(schedule: "ddim-cosine", sampler: nil)
    XCTAssertEqual(schedule.predictionType, .vPrediction)
    XCTAssertEqual(schedule.betaSchedule, .squaredcosCapV2)
  }

  /// A decoder is needed last; that it lacks weights is found first.
  func testEveryPartsWeightsAreLookedAtBeforeAnyIsLoaded() throws {
    _ = try copied("ldm")
    let weights = copy.appending(path: "vqvae/diffusion_pytorch_model.safetensors")
    let whole = try SafetensorsFile(weights)
    let tensors = try whole.entries.keys.sorted().map { ($0, try whole.tensor($0)) }
    try SafetensorsWriter.write(Array(tensors.dropLast()), to: weights)
    XCTAssertTrue(opening().contains("lacks '\(tensors[tensors.count - 1].0)'"), opening())
    try FileManager.default.removeItem(at: weights)
    XCTAssertTrue(opening().contains("vqvae holds no weights"), opening())
    try Data().write(to: copy.appending(path: "vqvae/diffusion_pytorch_model.bin"))
    XCTAssertTrue(opening().contains("a pickle"), opening())
    XCTAssertTrue(opening().contains("safetensors.torch.save_file"), opening())
  }

  func testKeysThatSayNothingPassAndUnknownOnesDoNot() throws {
    _ = try copied("ddim")
    let weights = copy.appending(path: "unet/diffusion_pytorch_model.safetensors")
    let file = try SafetensorsFile(weights)
    let tensors = try file.entries.keys.sorted().map { ($0, try file.tensor($0)) }
    let extra = Tensor([0, 1, 2], shape: [1, 3])
    try SafetensorsWriter.write(tensors + [("embeddings.position_ids", extra)], to: weights)
    XCTAssertNoThrow(try ModelFolder(copy).denoiser())
    try SafetensorsWriter.write(tensors + [("embeddings.positions", extra)], to: weights)
    XCTAssertTrue(
      opening().contains("holds 'embeddings.positions', which the model has no use for"), opening())
  }

  func testWeightsThatAreNotNumbersAreNamed() throws {
    _ = try copied("ddim")
    let weights = copy.appending(path: "unet/diffusion_pytorch_model.safetensors")
    let file = try SafetensorsFile(weights)
    for bad in [Float.nan, .infinity] {
      let tensors = try file.entries.keys.sorted().map { key in
        var values = try file.tensor(key).values
        if key == "conv_in.weight" { values[5] = bad }
        return (key, Tensor(values, shape: file.entries[key]?.shape ?? []))
      }
      try SafetensorsWriter.write(tensors, to: weights)
      let sentence = problem { _ = try ModelFolder(copy).denoiser() }
      XCTAssertTrue(
        sentence.contains(
          "unet/diffusion_pytorch_model.safetensors holds \(bad) in 'conv_in.weight' (value 5)"),
        sentence)
    }
  }
}
