import Foundation
import Models
import NN
import Pictures
import Pipelines
import TensorCore
import TestSupport
import Training
import XCTest

/// What an objective promises a trainer: it changes nothing before everything was found finite.
final class ObjectiveTests: XCTestCase {
  private func autoencoder() throws -> (objective: AutoencoderObjective, options: TrainingOptions) {
    let folder = try temporaryFolder(for: self)
    try ShapesDataset(count: 8, size: 16, seed: 1).write(to: folder)
    var config = AutoencoderKLConfig()
    (config.blockOutChannels, config.normNumGroups, config.sampleSize) = ([8, 16], 4, [16, 16])
    (config.downBlockTypes, config.upBlockTypes) = ([.plain, .plain], [.plain, .plain])
    config.layersPerBlock = 1
    var training = TrainingOptions()
    (training.resolution, training.batchSize, training.emaDecay) = (16, 2, 0)
    var options = AutoencoderOptions()
    options.discriminatorStart = 0
    let pictures = PictureStore(try ImageFolder(folder), resolution: 16, crop: .center)
    let model = try AutoencoderKL(config, ParameterStore(.fresh(seed: 0)))
    return (AutoencoderObjective(model, pictures, options, training), training)
  }

  private func values(_ tensors: [(key: String, tensor: Tensor)]) -> [[Float]] {
    tensors.map { $0.tensor.values }
  }

  func testTheDiscriminatorWaitsUntilAllIsFoundFinite() throws {
    let (objective, options) = try autoencoder()
    let trainer = try Trainer(objective.model.parameters, objective, options)
    let before = values(objective.state)
    let evaluation = try objective.evaluate(step: 0, micro: 0, for: trainer.learning.map(\.tensor))
    XCTAssertEqual(values(objective.state), before, "evaluating changes nothing")
    evaluation.commit(1e-3)
    XCTAssertNotEqual(values(objective.state), before)

    // A network that gives no numbers: neither it nor the discriminator moves.
    let first = trainer.learning[0].tensor
    first.overwrite(with: .full(first.shape, .nan))
    let then = values(objective.state)
    XCTAssertThrowsError(try trainer.step()) { error in
      XCTAssertTrue("\(error)".contains("the loss at step 1 is nan"), "\(error)")
    }
    XCTAssertEqual(values(objective.state), then)
    XCTAssertEqual(trainer.stepsTaken, 0)
    XCTAssertTrue(try objective.validate().hasExploded)
  }

  /// A discriminator whose loss is no number ends the update too, before anything is changed.
  func testADiscriminatorThatIsNoNumberEndsTheUpdate() throws {
    let (objective, options) = try autoencoder()
    let trainer = try Trainer(objective.model.parameters, objective, options)
    let weight = try XCTUnwrap(objective.state.first { $0.key.hasPrefix("discriminator/weight") }).tensor
    weight.overwrite(with: .full(weight.shape, .infinity))
    let before = values(trainer.learning)
    XCTAssertThrowsError(try trainer.step())
    XCTAssertEqual(values(trainer.learning), before)
  }

  /// Numbers of losses as a log keeps them: the mean begins where it is one, and follows the losses from there.
  func testTheRunningMeanIsNotHeldByTheFirstLoss() throws {
    var mean = RunningMean(span: 20)
    XCTAssertEqual(mean.add(1), 1, accuracy: 1e-12)
    // The second counts nearly as much as the first, not a twentieth.
    XCTAssertEqual(mean.add(0), 0.95 / 1.95, accuracy: 1e-12)

    let url = try temporaryFolder(for: self).appending(path: "metrics.jsonl")
    var log = try MetricsLog(url, stepsTaken: 0)
    for step in 1...100 {
      let report = Trainer.Report(
        step: step, loss: 1 / Float(step), gradientNorm: 1, learningRate: 1, others: [:])
      try log.append(report, step % 50 == 0 ? Validation(loss: 0.5, lossOfZeros: 1) : nil)
    }
    let series = Dictionary(uniqueKeysWithValues: log.plot.series.map { ($0.name, $0.points) })
    XCTAssertEqual(series["running mean"]?.first?.x, 20)
    XCTAssertEqual(series["validation"]?.map(\.x), [50, 100])
    XCTAssertEqual(series["loss"]?.count, 100)
    // What a checkpoint at step 60 keeps of it.
    XCTAssertEqual(try MetricsLog(url, stepsTaken: 60).entries.map(\.step), Array(1...60))
  }
}
