import Models
import Schedulers
import TensorCore

/// Who says what a noisy picture holds: a network, or a rule that combines what others say.
public protocol Predictor {
  /// [N, C, H, W] → [N, C or 2C, H, W], all in one evaluation.
  ///
  /// - Parameters:
  ///   - x: the noisy pictures as the network is shown them, `evaluation.inputScale` times those of the sampler.
  ///   - condition: what is known about the pictures, a row each.
  func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor
}

/// A network, a few pictures at a time.
public struct NetworkPredictor: Predictor {
  let network: any Denoiser
  let batchSize: Int

  /// - Parameter batchSize: how many pictures are in memory at a time; the result does not depend on it.
  public init(_ network: any Denoiser, batchSize: Int) {
    (self.network, self.batchSize) = (network, batchSize)
  }

  /// [N, C, H, W] → [N, C or 2C, H, W]
  public func callAsFunction(_ x: Tensor, _ evaluation: Evaluation, _ condition: Condition) -> Tensor {
    inBatches(of: batchSize, x, condition) { x, condition in
      let timesteps = (0..<x.shape[0]).map { _ in evaluation.timestep }
      return network.predict(x, timesteps: timesteps, condition: condition, dropout: nil)
    }
  }
}

extension Predictor {
  /// What is said of so many pictures at a time, one batch after the other.
  func inBatches(
    of size: Int, _ x: Tensor, _ condition: Condition, _ predicted: (Tensor, Condition) -> Tensor
  ) -> Tensor {
    let count = x.shape[0]
    guard count > size else { return predicted(x, condition) }
    return .stacked(
      stride(from: 0, to: count, by: size).map { first in
        let range = first..<min(first + size, count)
        return predicted(x.rows(range), condition.rows(range))
      })
  }
}
