/// What an autoencoder is trained for.
public struct AutoencoderOptions: Sendable, Equatable {
  /// How far a reconstruction is from its picture.
  public enum Reconstruction: String, Sendable, CaseIterable {
    /// Mean magnitude: sharper.
    case l1
    /// Mean square: highest PSNR.
    case mse
  }

  /// How far a reconstruction is from its picture.
  public var reconstruction = Reconstruction.l1
  /// Weight of the divergence from a standard normal, in nats a value of the picture.
  public var klWeight: Float = 1e-6
  /// The update from which a discriminator takes part; nil for none.
  public var discriminatorStart: Int?
  /// Its weight, beside the one that balances it with the reconstruction.
  public var discriminatorWeight: Float = 0.5

  /// The hash of the weights by which likeness is judged; nil for none.
  public var perceptual: String?
  /// The perceptual distance's weight, where there is a network to tell it.
  public var perceptualWeight: Float = 1

  /// Latent diffusion's weights, without a discriminator.
  public init() {}

  /// Each value by the name of its option.
  var named: [(name: String, value: String)] {
    [
      ("--reconstruction", reconstruction.rawValue), ("--kl-weight", "\(klWeight)"),
      ("--discriminator-start", discriminatorStart.map(String.init) ?? "none"),
      ("--discriminator-weight", "\(discriminatorWeight)"),
      ("--perceptual-weights with the hash", perceptual ?? "none"),
      ("--perceptual-weight", "\(perceptualWeight)"),
    ]
  }
}
