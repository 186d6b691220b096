import NN
import TensorCore

/// A denoiser and the text encoder whose states it reads, as one network: what is learned where both are trained together
/// (as in Nichol et al. 2022, "GLIDE", section 4).
///
/// `Condition.tokens` is what it reads; the encoder's states take the place of `Condition.text`.
public struct TextDenoiser: Denoiser {
  /// What denoises.
  public let denoiser: any Denoiser
  /// What reads texts.
  public let encoder: CLIPTextEncoder
  /// Those of both, each under the name that a pipeline has for it.
  public let parameters: ParameterStore

  /// The names of both in a pipeline, and before their keys among the parameters.
  public static let (denoiserPart, encoderPart) = ("unet", "text_encoder")

  /// - Parameters:
  ///   - denoiser: what reads texts as states.
  ///   - encoder: of states as wide as the denoiser reads them.
  public init(_ denoiser: any Denoiser, _ encoder: CLIPTextEncoder) {
    (self.denoiser, self.encoder) = (denoiser, encoder)
    parameters = ParameterStore(joining: [
      (Self.denoiserPart, denoiser.parameters), (Self.encoderPart, encoder.parameters),
    ])
  }

  /// [N, C, H, W] → [N, C or 2C, H, W]
  public func predict(_ x: Tensor, timesteps: [Float], condition: Condition, dropout: NoiseKey?) -> Tensor {
    var read = condition
    if let tokens = condition.tokens { (read.text, read.tokens) = (TextStates(encoder(tokens).states), nil) }
    return denoiser.predict(x, timesteps: timesteps, condition: read, dropout: dropout)
  }
}
