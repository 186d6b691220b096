import NN
import TensorCore

/// Moves weights towards an objective: gradients, their check, AdamW, the average of the weights.
public final class Trainer {
  /// What one update did.
  public struct Report: Sendable, Equatable {
    /// The update's number, counted from 1.
    public let step: Int
    /// Mean over the update's examples.
    public let loss: Float
    /// Of all gradients together, before clipping.
    public let gradientNorm: Float
    /// Of this update.
    public let learningRate: Float
    /// What the objective says beside the loss, by name.
    public let others: [String: Float]

    package init(
      step: Int, loss: Float, gradientNorm: Float, learningRate: Float, others: [String: Float] = [:]
    ) {
      (self.step, self.loss, self.gradientNorm) = (step, loss, gradientNorm)
      (self.learningRate, self.others) = (learningRate, others)
    }
  }

  /// What decides the run.
  public let options: TrainingOptions
  /// The network, frozen weights included.
  public let network: ParameterStore
  /// The weights that learn, in the network's order.
  public let learning: [(key: String, tensor: Tensor)]
  /// Their averages, which are what is saved and sampled from; the weights themselves where none are kept.
  public let averages: [Tensor]
  /// What they learn.
  public let objective: any Objective
  /// How many updates were made.
  public var stepsTaken: Int { optimizer.stepsTaken }

  let optimizer: AdamW
  private let ema: ExponentialMovingAverage?
  private let parameters: [Tensor]

  /// - Parameters:
  ///   - network: built, with the values that training begins at.
  ///   - learns: which of its tensors learn, by key; the others cost neither gradients nor moments.
  ///   - state: what a stopped run left.
  /// - Throws: `SafetensorsError` or `TrainingStateError` where the state is of another run.
  public init(
    _ network: ParameterStore, learns: (String) -> Bool = { _ in true }, _ objective: any Objective,
    _ options: TrainingOptions, resuming state: TrainingState? = nil
  ) throws {
    (self.network, self.objective, self.options) = (network, objective, options)
    learning = network.parameters.filter { learns($0.key) }
    parameters = learning.map(\.tensor)
    precondition(!parameters.isEmpty, "nothing learns")
    ema = options.emaDecay > 0 ? ExponentialMovingAverage(decay: options.emaDecay) : nil
    if let state {
      for (tensor, stored) in zip(parameters, try state.tensors(.weight, learning)) {
        tensor.overwrite(with: stored)
      }
      averages = ema == nil ? parameters : try state.tensors(.average, learning)
      let moments = (try state.tensors(.firstMoment, learning), try state.tensors(.secondMoment, learning))
      optimizer = AdamW(
        parameters, options.optimizer, moments: moments, stepsTaken: state.stepsTaken)
      try objective.restore(state.file, stepsTaken: state.stepsTaken)
    } else {
      averages = ema == nil ? parameters : parameters.map { Tensor($0.values, shape: $0.shape) }
      optimizer = AdamW(parameters, options.optimizer)
    }
  }

  /// Every tensor of the network by key, the averages in place of the weights that learn.
  public var averaged: [(key: String, tensor: Tensor)] {
    let averages = Dictionary(uniqueKeysWithValues: zip(learning.map(\.key), averages))
    return network.all.map { ($0.key, averages[$0.key] ?? $0.tensor) }
  }

  /// One update of the weights.
  ///
  /// - Throws: `TrainingError.notFinite` before anything is changed; `PictureError` where a picture cannot be read.
  public func step() throws -> Report {
    let step = stepsTaken
    var loss: Float = 0
    var sum: [Tensor] = []
    var others: [String: Float] = [:]
    var commits: [(Float) -> Void] = []
    for micro in 0..<options.accumulate {
      let part = try objective.evaluate(step: step, micro: micro, for: parameters)
      loss += part.loss / Float(options.accumulate)
      sum = sum.isEmpty ? part.gradients : zip(sum, part.gradients).map { $0 + $1 }
      others.merge(part.others.mapValues { $0 / Float(options.accumulate) }) { $0 + $1 }
      commits.append(part.commit)
    }
    if options.accumulate > 1 { sum = sum.map { 1 / Float(options.accumulate) * $0 } }
    let norm = AdamW.norm(sum)
    guard loss.isFinite, norm.isFinite, others.values.allSatisfy(\.isFinite) else {
      throw TrainingError.notFinite(step: step + 1, loss: loss)
    }
    let rate = options.learningRate.at(step, of: options.steps)
    optimizer.step(sum, norm: norm, learningRate: rate)
    ema?.update(averages, from: parameters, step: step + 1)
    for commit in commits { commit(rate) }
    return Report(step: step + 1, loss: loss, gradientNorm: norm, learningRate: rate, others: others)
  }
}
