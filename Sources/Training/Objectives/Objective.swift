import Foundation
import NN
import TensorCore

/// What a network is trained for: it turns a place in a run into a loss and its gradients.
///
/// A trainer knows nothing of pictures, noise or other networks. Whatever takes part beside the weights that learn (a
/// discriminator, a frozen base, a teacher) belongs to the objective.
public protocol Objective: AnyObject {
  /// The loss of evaluation `micro` of update `step`, both counted from 0, and its gradients. Changes nothing.
  ///
  /// - Parameter parameters: what gradients are wanted for; everything else is a constant.
  /// - Throws: `PictureError` where an example cannot be read.
  func evaluate(step: Int, micro: Int, for parameters: [Tensor]) throws -> BatchEvaluation

  /// The loss of examples that are not learned, or of some that are where none are held out, at noise that never changes.
  ///
  /// - Throws: `PictureError`.
  func validate() throws -> Validation

  /// What a resumed run needs beside the weights that learn and their moments, by the key in the state.
  var state: [(key: String, tensor: Tensor)] { get }

  /// Takes back what `state` gave after so many updates.
  ///
  /// - Throws: `SafetensorsError` or `TrainingStateError`.
  func restore(_ file: SafetensorsFile, stepsTaken: Int) throws
}

/// What an objective says of one batch.
public struct BatchEvaluation {
  /// Mean over the batch.
  public let loss: Float
  /// One a parameter asked for, in their order.
  public let gradients: [Tensor]
  /// Losses and norms of what takes part beside the network, by name; the update is given up unless all are finite.
  public let others: [String: Float]
  /// Changes what belongs to the objective; called once everything was found finite.
  public let commit: (_ learningRate: Float) -> Void

  /// What was found, and what is to be done with it.
  public init(
    loss: Float, gradients: [Tensor], others: [String: Float] = [:],
    commit: @escaping (_ learningRate: Float) -> Void = { _ in }
  ) {
    (self.loss, self.gradients, self.others, self.commit) = (loss, gradients, others, commit)
  }
}

/// How well the examples that are measured are done.
public struct Validation: Sendable, Equatable {
  /// Mean over the examples.
  public let loss: Float
  /// The same of a network whose output is 0 everywhere.
  public let lossOfZeros: Float
  /// What else was measured, such as accuracies, by name.
  public let measures: [String: Float]

  /// Two losses over the same examples, and what else was measured on them.
  public init(loss: Float, lossOfZeros: Float, measures: [String: Float] = [:]) {
    (self.loss, self.lossOfZeros, self.measures) = (loss, lossOfZeros, measures)
  }

  /// How many times worse than an output of zeros a network may be; one that has learned nothing is as good, and the
  /// spikes of a rate that is high but bearable stay far below.
  static let bearable: Float = 10

  /// Whether the weights are beyond repair: worse by a factor than saying nothing at all.
  public var hasExploded: Bool { !(loss <= Self.bearable * lossOfZeros) }
}

/// Why training stopped.
public enum TrainingError: Error, Sendable, Equatable, CustomStringConvertible, LocalizedError {
  /// The loss or a gradient is infinite or not a number.
  case notFinite(step: Int, loss: Float)
  /// The weights have become worse than an output of zeros by a factor.
  case exploded(step: Int, loss: Float, lossOfZeros: Float)

  private static let advice =
    "the weights were not saved: add --resume and a lower --learning-rate (or a longer --warmup, or a smaller "
    + "--clip-gradient) to go on from the last checkpoint, or to begin anew where there is none."

  /// One sentence for the user.
  public var description: String {
    switch self {
    case .notFinite(let step, let loss):
      "the loss at step \(step) is \(loss) or its gradient is not finite; \(Self.advice)"
    case .exploded(let step, let loss, let lossOfZeros):
      "after step \(step) the loss at fixed noise is \(loss), where an output of zeros has \(lossOfZeros): the run has "
        + "exploded; \(Self.advice)"
    }
  }

  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}
