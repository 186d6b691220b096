import NN
import TensorCore

/// A network that says what a noisy batch holds.
public protocol Denoiser {
  /// Its tensors by key.
  var parameters: ParameterStore { get }
  /// [N, C, H, W] → [N, C or 2C, H, W].
  ///
  /// - Parameters:
  ///   - timesteps: N of them.
  ///   - condition: what is known about the pictures, a row each.
  ///   - dropout: the key of this step's drop-out; nil outside training.
  func predict(_ x: Tensor, timesteps: [Float], condition: Condition, dropout: NoiseKey?) -> Tensor
}

extension UNet2D: Denoiser {
  /// What the network gives, as `Denoiser` describes it.
  public func predict(_ x: Tensor, timesteps: [Float], condition: Condition, dropout: NoiseKey?) -> Tensor {
    self(
      condition.joined(to: x), timesteps: timesteps, labels: condition.classLabels,
      control: condition.control, dropout: dropout)
  }
}

extension DiT: Denoiser {
  /// What the network gives, as `Denoiser` describes it.
  public func predict(_ x: Tensor, timesteps: [Float], condition: Condition, dropout: NoiseKey?) -> Tensor {
    let labels = condition.classLabels ?? .indices(timesteps.map { _ in config.numEmbedsAdaNorm })
    return self(
      condition.joined(to: x), timesteps: timesteps, labels: labels, control: condition.control,
      dropout: dropout)
  }
}
