import Models
import TensorCore

/// Who says what a noisy picture holds: a network, or a rule that combines what others say.
public protocol Predictor {
  /// [N, C, H, W] → [N, C, H, W], all at one timestep.
  func callAsFunction(_ x: Tensor, timestep: Float) -> Tensor
}

/// A U-Net, a few pictures at a time.
public struct UNetPredictor: Predictor {
  let unet: UNet2D
  let labels: [Int]?
  let batchSize: Int

  /// - Parameters:
  ///   - labels: the class of each picture, where the network is class-conditional.
  ///   - batchSize: how many pictures are in memory at a time; the result does not depend on it.
  public init(_ unet: UNet2D, labels: [Int]? = nil, batchSize: Int) {
    (self.unet, self.labels, self.batchSize) = (unet, labels, batchSize)
  }

  /// [N, C, H, W] → [N, C, H, W]
  public func callAsFunction(_ x: Tensor, timestep: Float) -> Tensor {
    let parts = stride(from: 0, to: x.shape[0], by: batchSize).map { first in
      let range = first..<min(first + batchSize, x.shape[0])
      return unet(
        x.rows(range), timesteps: range.map { _ in timestep },
        labels: labels.map { .indices(Array($0[range])) })
    }
    return parts.count == 1 ? parts[0] : .stacked(parts)
  }
}

/// Classifier-free guidance (Ho & Salimans 2022): away from what is said without the condition.
///
///     unconditional + scale·(conditional − unconditional)
public struct ClassifierFreeGuidance: Predictor {
  let conditional: any Predictor
  let unconditional: any Predictor
  let scale: Float

  /// - Parameter scale: 1 is the condition alone; more exaggerates it.
  public init(_ conditional: any Predictor, unconditional: any Predictor, scale: Float) {
    (self.conditional, self.unconditional, self.scale) = (conditional, unconditional, scale)
  }

  /// [N, C, H, W] → [N, C, H, W]
  public func callAsFunction(_ x: Tensor, timestep: Float) -> Tensor {
    .combination([
      (1 - scale, unconditional(x, timestep: timestep)), (scale, conditional(x, timestep: timestep)),
    ])
  }
}
