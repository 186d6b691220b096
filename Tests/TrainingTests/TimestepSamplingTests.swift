import Foundation
import Models
import NN
import Schedulers
import TensorCore
import TestSupport
import Training
import XCTest

/// Which timesteps are trained: importance sampling by the last losses, its state in a resumed run, and logit-normal.
final class TimestepSamplingTests: XCTestCase {
  func testImportanceBeginsWhenEveryTimestepHasItsLosses() throws {
    var moments = LossSecondMoments(timesteps: 3)
    for _ in 0..<10 { moments.record([0, 1], [1, 2]) }
    for _ in 0..<9 { moments.record([2], [100]) }
    XCTAssertNil(moments.distribution)
    // The first of these pushes nothing out, the next ten all that was there.
    for _ in 0..<11 { moments.record([2], [3]) }
    let shares = try XCTUnwrap(moments.distribution).shares
    for (share, root) in zip(shares, [1.0, 2, 3]) {
      XCTAssertEqual(share, 0.999 * root / 6 + 0.001 / 3, accuracy: 1e-12)
    }
  }

  func testTheRootMeanSquareIsOfTheLastTen() throws {
    var moments = LossSecondMoments(timesteps: 2)
    for i in 1...14 { moments.record([0, 1], [Float(i), 1]) }
    let squares = (5...14).map { Double($0 * $0) }.reduce(0, +) / 10
    let shares = try XCTUnwrap(moments.distribution).shares
    XCTAssertEqual(
      shares[0], 0.999 * squares.squareRoot() / (squares.squareRoot() + 1) + 0.0005, accuracy: 1e-12)
    XCTAssertEqual(
      LossSecondMoments(losses: moments.losses, counts: moments.counts), moments, "it is what it says it is")
    XCTAssertNil(LossSecondMoments(losses: moments.losses, counts: [11, 10]))
  }

  /// Draws come as often as their shares say, and their weights take the bias out.
  func testDrawsFollowTheShares() {
    let weights = [0.5, 0, 3, 1.5]
    let distribution = TimestepDistribution(weights: weights)
    let draws = (0..<10_000).map { distribution.draw((Float($0) + 0.5) / 10_000) }
    for t in weights.indices {
      XCTAssertEqual(Double(draws.filter { $0.timestep == t }.count), 2000 * weights[t], accuracy: 1)
    }
    let values: [Float] = [7, 0, -2, 4]
    let mean = draws.map { $0.weight * values[$0.timestep] }.reduce(0, +) / 10_000
    XCTAssertEqual(mean, (7 - 2 + 4) / 4, accuracy: 1e-3)
  }

  func testLogitNormalDrawsAreLogitNormal() {
    var options = TrainingOptions()
    options.batchSize = 4000
    options.loss.timestepSampling = .logitNormal
    (options.loss.logitMean, options.loss.logitDeviation) = (0.5, 0.8)
    var plan = BatchPlan(pictures: 10, timesteps: 1000, options: options)
    let logits = plan.batch(step: 0, micro: 0).map { example -> Double in
      let u = (Double(example.timestep) + 0.5) / 1000
      return log(u / (1 - u))
    }
    let mean = logits.reduce(0, +) / 4000
    let deviation = (logits.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4000).squareRoot()
    // Four deviations of the mean of 4000 draws.
    XCTAssertEqual(mean, 0.5, accuracy: 4 * 0.8 / 4000.squareRoot())
    XCTAssertEqual(deviation, 0.8, accuracy: 4 * 0.8 / 8000.squareRoot())
  }

  /// Options that an older program did not know are the loss of its time.
  func testOlderStatesAreRead() throws {
    var options = TrainingOptions()
    options.loss.minSNRGamma = 5
    let new = try JSONEncoder().encode(options)
    XCTAssertEqual(try JSONDecoder().decode(TrainingOptions.self, from: new), options)
    var keys = try XCTUnwrap(JSONSerialization.jsonObject(with: new) as? [String: Any])
    for key in ["loss", "heldOut"] { XCTAssertNotNil(keys.removeValue(forKey: key)) }
    let old = try JSONDecoder().decode(
      TrainingOptions.self, from: JSONSerialization.data(withJSONObject: keys))
    XCTAssertEqual(old.loss, LossOptions())
    XCTAssertEqual(old.heldOut, 0)
    options.heldOut = 0
    XCTAssertEqual(
      RunIdentity(old).differences(from: RunIdentity(options)).map(\.name), ["--min-snr-gamma"])
  }

  // MARK: - Resuming

  private func trainer(_ folder: ImageFolder, resuming state: TrainingState? = nil) throws -> Trainer {
    var config = UNet2DConfig()
    (config.sampleSize, config.blockOutChannels, config.layersPerBlock) = ([8, 8], [8, 16], 1)
    (config.downBlockTypes, config.upBlockTypes) = ([.plain, .plain], [.plain, .plain])
    (config.normNumGroups, config.addAttention, config.outChannels) = (4, false, 6)
    var options = TrainingOptions()
    (options.resolution, options.steps, options.batchSize, options.accumulate) = (8, 40, 8, 2)
    options.loss.learnsVariance = true
    options.loss.timestepSampling = .importance
    var scheduler = SchedulerConfig(.ddpm)
    (scheduler.numTrainTimesteps, scheduler.varianceType) = (6, .learnedRange)
    let model = try UNet2D(config, ParameterStore(.fresh(seed: options.seed)))
    let objective = try DenoisingObjective(
      model, scheduler, PictureStore(folder, resolution: 8, crop: .center), unconditional: nil,
      options)
    return try Trainer(model.parameters, objective, options, resuming: state)
  }

  /// Stopped while losses are still gathered and once more when timesteps are drawn by them.
  func testResumedImportanceSamplingIsUninterrupted() throws {
    let url = try temporaryFolder(for: self)
    try ShapesDataset(count: 32, size: 8, seed: 1).write(to: url)
    let folder = try ImageFolder(url, classes: .none)
    let whole = try trainer(folder)
    let losses = try (0..<16).map { _ in try whole.step().loss }

    let file = url.appending(path: "state.safetensors")
    var part = try trainer(folder)
    var resumed: [Float] = []
    for (step, stop) in [(0, 3), (3, 12), (12, 16)] {
      if step > 0 {
        try TrainingState.save(part, to: file)
        part = try trainer(folder, resuming: TrainingState(contentsOf: file))
      }
      resumed += try (step..<stop).map { _ in try part.step().loss }
    }
    XCTAssertEqual(resumed, losses)
    let bits = [part, whole].map { trainer in
      (trainer.learning.map(\.tensor) + trainer.averages).map {
        $0.values.map(\.bitPattern)
      }
    }
    XCTAssertEqual(bits[0], bits[1])
    let counts = try SafetensorsFile(file).tensor("timesteps/counts").values
    XCTAssertEqual(counts, Array(repeating: 10, count: 6), "importance had begun")
  }
}
