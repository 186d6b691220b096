import NN
import TensorCore

/// The autoencoder of latent diffusion (Rombach et al. 2022, appendix G), with the keys of diffusers' `AutoencoderKL`.
public struct AutoencoderKL {
  /// What it was built from.
  public let config: AutoencoderKLConfig
  /// Its tensors by key.
  public let parameters: ParameterStore

  let encoder: PictureEncoder
  let decoder: LatentDecoder
  private let quant: Conv2D?
  private let postQuant: Conv2D?

  /// Builds the network on `store`.
  ///
  /// - Throws: `ConfigError` for an impossible configuration; `CheckpointError` or `SafetensorsError` where
  ///   the store's checkpoint does not fit it.
  public init(_ config: AutoencoderKLConfig, _ store: ParameterStore) throws {
    try config.validate()
    self.init(valid: config, store)
    try store.finish()
  }

  /// Builds the network, whose configuration's own values were checked; `store` notes what else is wrong.
  init(valid config: AutoencoderKLConfig, _ store: ParameterStore) {
    self.config = config
    parameters = store
    let p = store.root
    let latents = config.latentChannels
    encoder = PictureEncoder(p["encoder"], config)
    decoder = LatentDecoder(p["decoder"], config)
    quant =
      config.useQuantConv
      ? Conv2D(p["quant_conv"], inputs: 2 * latents, outputs: 2 * latents, kernel: 1) : nil
    postQuant =
      config.usePostQuantConv
      ? Conv2D(p["post_quant_conv"], inputs: latents, outputs: latents, kernel: 1) : nil
  }

  /// What pictures could have been made from.
  ///
  /// - Parameter x: `[N, in_channels, H, W]` in [-1, 1]; H and W multiples of `config.downsampling`.
  /// - Returns: a distribution of latents `[N, latent_channels, H', W']`, not yet scaled.
  public func encode(_ x: Tensor) -> DiagonalGaussian { DiagonalGaussian(moments: moments(x)) }

  /// Pictures of latents.
  ///
  /// - Parameter z: `[N, latent_channels, H', W']`, no longer scaled.
  /// - Returns: `[N, out_channels, H, W]`, about in [-1, 1].
  public func decode(_ z: Tensor) -> Tensor { decoder(unquantized(z)) }

  /// Latents as a denoiser sees them: (z − shift)·scaling.
  public func scaled(_ z: Tensor) -> Tensor {
    config.scalingFactor * (config.shiftFactor.map { z + -$0 } ?? z)
  }

  /// Latents as the decoder sees them: z/scaling + shift.
  public func unscaled(_ z: Tensor) -> Tensor {
    let latents = (1 / config.scalingFactor) * z
    return config.shiftFactor.map { latents + $0 } ?? latents
  }

  func moments(_ x: Tensor) -> Tensor { quantized(encoder(x)) }
  func quantized(_ h: Tensor) -> Tensor { quant?(h) ?? h }
  func unquantized(_ z: Tensor) -> Tensor { postQuant?(z) ?? z }
}

/// A normal distribution whose values are independent, a mean and a variance each.
public struct DiagonalGaussian {
  /// `[N, C, H, W]`; also the most likely value.
  public let mean: Tensor
  /// The logarithm of the variance, `[N, C, H, W]`, within −30 … 20.
  public let logVariance: Tensor

  /// - Parameter moments: means and then logarithms of variances, `[N, 2C, H, W]`.
  public init(moments: Tensor) {
    let c = moments.shape[1] / 2
    let halves = moments.splitChannels([c, c])
    mean = halves[0]
    // A variance beyond these overflows, or is 0, in f32.
    logVariance = halves[1].clamped(-30, 20)
  }

  /// A draw that gradients go through.
  ///
  /// - Parameter noise: standard normal, of the mean's shape.
  public func sample(_ noise: Tensor) -> Tensor {
    gaussianSample(mean: mean, logVariance: logVariance, noise: noise)
  }

  /// The divergence from a standard normal, in nats: summed over a sample's values, meant over the batch.
  public var divergence: Tensor { gaussianDivergence(mean: mean, logVariance: logVariance) }
}
