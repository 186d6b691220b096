/// Everything that decides how an autoencoder is trained.
public struct AutoencoderOptions: Codable, Sendable, Equatable {
  /// How far a reconstruction is from its picture.
  public enum Reconstruction: String, Codable, Sendable, CaseIterable {
    /// Mean magnitude: sharper.
    case l1
    /// Mean square: highest PSNR.
    case mse
  }

  /// Where pictures are cut, mirrored and in what order; the rest of it does not matter here.
  public var data = TrainingOptions()
  /// How far a reconstruction is from its picture.
  public var reconstruction = Reconstruction.l1
  /// Weight of the divergence from a standard normal, in nats a value of the picture.
  public var klWeight: Float = 1e-6
  /// Share of the pictures that is only looked at, never learned.
  public var heldOut = 0.05
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

  /// The first option in which a resumed run was `given` another value than the one it began with.
  public func conflict(with given: AutoencoderOptions) -> (name: String, kept: String, given: String)? {
    if let conflict = data.conflict(with: given.data) { return conflict }
    func named(_ o: AutoencoderOptions) -> [(name: String, value: String)] {
      [
        ("--reconstruction", o.reconstruction.rawValue), ("--kl-weight", "\(o.klWeight)"),
        ("--held-out", "\(o.heldOut)"),
        ("--discriminator-start", o.discriminatorStart.map(String.init) ?? "none"),
        ("--discriminator-weight", "\(o.discriminatorWeight)"),
        ("--perceptual-weights with the hash", o.perceptual ?? "none"),
        ("--perceptual-weight", "\(o.perceptualWeight)"),
      ]
    }
    return zip(named(self), named(given)).map { ($0.name, $0.value, $1.value) }.first { $0.1 != $0.2 }
  }
}
