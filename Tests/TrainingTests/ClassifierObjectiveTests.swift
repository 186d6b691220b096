import Foundation
import Models
import NN
import Schedulers
import TensorCore
import TestSupport
import Training
import XCTest

final class ClassifierObjectiveTests: XCTestCase {
  private func options(heldOut: Double = 0.2) -> TrainingOptions {
    var options = TrainingOptions()
    (options.resolution, options.batchSize, options.emaDecay, options.heldOut) = (16, 16, 0, heldOut)
    options.steps = 150
    options.learningRate = LearningRate(peak: 3e-3, warmup: 5, decay: .constant)
    return options
  }

  private func pictures() throws -> PictureStore {
    let folder = try temporaryFolder(for: self)
    try ShapesDataset(count: 64, size: 16, seed: 1).write(to: folder)
    return PictureStore(
      try ImageFolder(folder, classes: .folders), resolution: 16, crop: .center)
  }

  private func model(seed: UInt64 = 0) throws -> NoisyClassifier {
    var unet = UNet2DConfig()
    (unet.blockOutChannels, unet.layersPerBlock, unet.normNumGroups) = ([16, 32], 1, 4)
    (unet.downBlockTypes, unet.upBlockTypes) = ([.plain, .plain], [.plain, .plain])
    return try NoisyClassifier(
      NoisyClassifierConfig(unet: unet, classes: 8, poolHeadDim: 16), ParameterStore(.fresh(seed: seed)))
  }

  func testItLearnsToTellClassesApartAndSoLongAsThereIsLittleNoise() throws {
    let model = try model()
    // By what it learns from: few pictures say little about others.
    let options = options(heldOut: 0)
    let objective = try ClassifierObjective(model, pictures(), Presets.resolve("ddpm-cosine-1000"), options)
    let trainer = try Trainer(model.parameters, objective, options)
    let before = try objective.validate()
    XCTAssertEqual(before.lossOfZeros, log(8), accuracy: 1e-6)
    for _ in 0..<150 { _ = try trainer.step() }
    let after = try objective.validate()
    XCTAssertLessThan(after.loss, 0.9 * before.loss)
    XCTAssertFalse(after.hasExploded)
    // What a picture is of cannot be seen where there is only noise.
    let (least, most) = try (
      XCTUnwrap(after.measures["accuracy_0_249"]), XCTUnwrap(after.measures["accuracy_750_999"])
    )
    XCTAssertGreaterThan(least, most)
    XCTAssertEqual(after.measures.count, 5)
  }

  func testAccuracyIsTheShareOfPicturesThatTheLikeliestClassIsOf() throws {
    let objective = try ClassifierObjective(
      model(), pictures(), Presets.resolve("ddpm-cosine-1000"), options())
    let judgements = try objective.judgements()
    // Each picture once a band, each band over all of its timesteps.
    XCTAssertEqual(objective.bands, 4)
    XCTAssertEqual(judgements.count, 4 * objective.split.measured.count)
    XCTAssertEqual((0..<4).flatMap { Array(objective.timesteps(band: $0)) }, Array(0..<1000))
    XCTAssertEqual(Set(judgements.map(\.label)).count, 8, "every class is among those measured")
    let right = judgements.filter { $0.label == $0.judged }.count
    let validation = try objective.validate()
    XCTAssertEqual(
      try XCTUnwrap(validation.measures["accuracy"]), Float(right) / Float(judgements.count), accuracy: 1e-6)
    let mean = judgements.reduce(0) { $0 + $1.loss } / Float(judgements.count)
    XCTAssertEqual(validation.loss, mean, accuracy: 1e-5)
    // At noise that never changes.
    XCTAssertEqual(try objective.judgements(), judgements)
  }

  /// A plain classifier sees the pictures themselves, and is told timestep 0.
  func testWithoutASchedulePicturesHaveNoNoise() throws {
    let (model, pictures) = (try model(), try pictures())
    let objective = try ClassifierObjective(model, pictures, nil, options())
    XCTAssertEqual(objective.bands, 1)
    let judgements = try objective.judgements()
    XCTAssertEqual(judgements.count, objective.split.measured.count)
    for (number, judgement) in zip(objective.split.measured, judgements) {
      let planes = try pictures.planes(number, place: (0.5, 0.5), mirrored: false)
      let p = model.probabilities(Tensor(planes, shape: [1, 3, 16, 16]), timesteps: [0])[0]
      XCTAssertEqual(p.reduce(0, +), 1, accuracy: 1e-5)
      XCTAssertEqual(-log(p[judgement.label]), judgement.loss, accuracy: 1e-4)
      XCTAssertEqual(p.max(), p[judgement.judged])
    }
    XCTAssertEqual(Array(try objective.validate().measures.keys), ["accuracy"])
    let noisy = try ClassifierObjective(model, pictures, Presets.resolve("ddpm-cosine-1000"), options())
    let parameters = model.parameters.parameters.map(\.tensor)
    XCTAssertNotEqual(
      try objective.evaluate(step: 0, micro: 0, for: parameters).loss,
      try noisy.evaluate(step: 0, micro: 0, for: parameters).loss)
  }
}
