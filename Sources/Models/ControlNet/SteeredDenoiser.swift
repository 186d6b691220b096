import NN
import TensorCore

/// A network with the ControlNet that steers it: what is learned when a ControlNet is trained.
///
/// `Condition.hint` is what the ControlNet reads; without one the base predicts alone.
public struct SteeredDenoiser: Denoiser {
  /// What is steered, never changed.
  public let base: any Denoiser
  /// What steers.
  public let control: any ControlNet

  /// The ControlNet's; the base's are constants.
  public var parameters: ParameterStore { control.parameters }

  /// - Parameters:
  ///   - base: what is steered.
  ///   - control: what steers, of a configuration for that base.
  public init(_ base: any Denoiser, _ control: any ControlNet) { (self.base, self.control) = (base, control) }

  /// [N, C, H, W] → [N, C or 2C, H, W]; only the ControlNet drops out.
  public func predict(_ x: Tensor, timesteps: [Float], condition: Condition, dropout: NoiseKey?) -> Tensor {
    var steered = condition
    steered.control = condition.hint.map {
      control.residuals(x, timesteps: timesteps, condition: condition, image: $0, dropout: dropout)
    }
    return base.predict(x, timesteps: timesteps, condition: steered, dropout: nil)
  }
}
