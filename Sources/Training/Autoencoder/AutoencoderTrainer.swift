import Models
import NN
import Pictures
import Pipelines
import TensorCore

/// Trains an `AutoencoderKL` (Rombach et al. 2022, appendix G): reconstruction, a little divergence and, where there is a
/// network to tell it, how unlike the two look; and, after a while, a discriminator whose weight balances its gradient with that of the reconstruction at the last layer (Esser et al. 2021,
/// equation 7).
public final class AutoencoderTrainer {
  /// What decides the run.
  public let options: AutoencoderOptions
  /// The network that is trained.
  public let model: AutoencoderKL
  /// How many updates were made.
  public var stepsTaken: Int { optimizer.stepsTaken }

  private let pictures: PictureStore
  private let learned: [Int]
  /// The numbers of the pictures that are never learned.
  public let heldOut: [Int]
  private var plan: BatchPlan
  private let parameters: [Tensor]
  private let optimizer: AdamW
  private let lastLayer: Int
  private let perceptual: LPIPS?
  private let discriminator: (network: PatchDiscriminator, parameters: [Tensor], optimizer: AdamW)?

  /// - Parameters:
  ///   - perceptual: nil leaves the perceptual term out.
  ///   - state: of a run that goes on.
  /// - Throws: `ConfigError` for an impossible network; `SafetensorsError` or `TrainingStateError` for a state of another.
  public init(
    _ config: AutoencoderKLConfig, _ pictures: PictureStore, _ options: AutoencoderOptions,
    perceptual: LPIPS? = nil, resuming state: AutoencoderState? = nil
  ) throws {
    (self.options, self.pictures, self.perceptual) = (options, pictures, perceptual)
    model = try AutoencoderKL(config, ParameterStore(.fresh(seed: options.data.seed)))
    parameters = model.parameters.parameters.map(\.tensor)
    let adamW = options.data.optimizer
    let named = model.parameters.parameters
    optimizer =
      try state?.restore(Self.autoencoder, named, adamW, steps: state?.stepsTaken ?? 0)
      ?? AdamW(parameters, adamW)
    lastLayer = model.parameters.parameters.firstIndex { $0.key == "decoder.conv_out.weight" } ?? 0
    // Every so many-th picture is held out, so that all classes are among them.
    let every = options.heldOut > 0 ? max(2, Int((1 / options.heldOut).rounded())) : Int.max
    heldOut = (0..<pictures.count).filter { $0 % every == every - 1 }
    learned = (0..<pictures.count).filter { $0 % every != every - 1 }
    plan = BatchPlan(pictures: learned.count, timesteps: 1, options: options.data)
    if let start = options.discriminatorStart {
      let store = ParameterStore(.fresh(seed: options.data.seed &+ 1))
      let network = PatchDiscriminator(channels: config.inChannels, store)
      let own = store.parameters.map(\.tensor)
      let steps = max(0, (state?.stepsTaken ?? 0) - start)
      discriminator = (
        network, own,
        try state?.restore(Self.judge, store.parameters, adamW, steps: steps) ?? AdamW(own, adamW)
      )
    } else {
      discriminator = nil
    }
  }

  private static let (autoencoder, judge) = ("autoencoder", "discriminator")

  /// What a state holds.
  var networks: [AutoencoderState.Network] {
    let own = AutoencoderState.Network(
      name: Self.autoencoder, parameters: model.parameters.parameters, optimizer: optimizer)
    let judge = discriminator.map {
      AutoencoderState.Network(
        name: Self.judge, parameters: $0.network.parameters.parameters, optimizer: $0.optimizer)
    }
    return [own] + (judge.map { [$0] } ?? [])
  }

  /// One update of the weights.
  ///
  /// - Throws: `TrainingError.notFinite` before anything is changed; `PictureError` where a picture cannot be read.
  /// - Returns: what it did, and the discriminator's hinge loss where that takes part.
  public func step() throws -> (report: Trainer.Report, discriminatorLoss: Float?) {
    let step = stepsTaken
    let batch = plan.batch(step: step, micro: 0)
    let x = try values(batch)
    let noise = Tensor(
      batch.flatMap {
        Philox(BatchPlan.key(options.data.seed, Int($0.number), .posterior)).normal(latentSize(x))
      }, shape: latentShape(x))
    var (loss, gradients) = valueAndGradients(of: parameters) { fidelity(x, noise) }
    var discriminatorLoss: Float?
    let rate = options.data.learningRate.at(step, of: options.data.steps)
    if let discriminator, let start = options.discriminatorStart, step >= start {
      let (_, adversarial) = valueAndGradients(of: parameters) {
        -1 * mean(discriminator.network(reconstruction(x, noise)))
      }
      let balance = norm(gradients[lastLayer]) / (norm(adversarial[lastLayer]) + 1e-4)
      let weight = options.discriminatorWeight * min(balance, 1e4)
      gradients = zip(gradients, adversarial).map { .combination([(1, $0), (weight, $1)]) }
      let made = withoutGradients { reconstruction(x, noise) }
      let (hinge, own) = valueAndGradients(of: discriminator.parameters) {
        let real = (-1 * discriminator.network(x) + 1).activated(.relu)
        let fake = (discriminator.network(made) + 1).activated(.relu)
        return 0.5 * (mean(real) + mean(fake))
      }
      let ownNorm = AdamW.norm(own)
      guard hinge.item.isFinite, ownNorm.isFinite else {
        throw TrainingError.notFinite(step: step + 1, loss: hinge.item)
      }
      discriminator.optimizer.step(own, norm: ownNorm, learningRate: rate)
      discriminatorLoss = hinge.item
    }
    let norm = AdamW.norm(gradients)
    guard loss.item.isFinite, norm.isFinite else {
      throw TrainingError.notFinite(step: step + 1, loss: loss.item)
    }
    optimizer.step(gradients, norm: norm, learningRate: rate)
    return (
      Trainer.Report(step: step + 1, loss: loss.item, gradientNorm: norm, learningRate: rate),
      discriminatorLoss
    )
  }

  /// Reconstruction of a draw, and its distance with the weighted divergence.
  private func fidelity(_ x: Tensor, _ noise: Tensor) -> Tensor {
    let posterior = model.encode(x)
    let y = model.decode(posterior.sample(noise))
    let error =
      switch options.reconstruction {
      case .mse: meanSquaredError(y, x)
      case .l1:
        // Pseudo-Huber far above its turn: the magnitude, but smooth at 0.
        (1 / (2 * Self.turn))
          * pseudoHuberErrors(y, x, constants: Array(repeating: Self.turn, count: x.shape[0])).weightedMean(
            Array(repeating: 1, count: x.shape[0]))
      }
    let size = Float(x.count / x.shape[0])
    let faithful = error + options.klWeight / size * posterior.divergence
    return perceptual.map { faithful + options.perceptualWeight * $0(y, x) } ?? faithful
  }

  private static let turn: Float = 1e-3

  private func reconstruction(_ x: Tensor, _ noise: Tensor) -> Tensor {
    model.decode(model.encode(x).sample(noise))
  }

  private func mean(_ x: Tensor) -> Tensor { 1 / Float(x.count) * x.sum() }
  private func norm(_ x: Tensor) -> Float { AdamW.norm([x]) }

  private func latentShape(_ x: Tensor) -> [Int] {
    let factor = model.config.downsampling
    return [x.shape[0], model.config.latentChannels, x.shape[2] / factor, x.shape[3] / factor]
  }
  private func latentSize(_ x: Tensor) -> Int { latentShape(x).dropFirst().reduce(1, *) }

  private func values(_ batch: [BatchPlan.Example]) throws -> Tensor {
    let planes = try batch.flatMap {
      try pictures.planes(learned[$0.picture], place: ($0.cropX, $0.cropY), mirrored: $0.mirrored)
    }
    return Tensor(planes, shape: [batch.count] + pictures.shape)
  }

  /// Pictures by number, `[N, C, R, R]`, cut in the middle.
  public func batch(_ numbers: ArraySlice<Int>) throws -> Tensor {
    let planes = try numbers.flatMap { try pictures.planes($0, place: (0.5, 0.5), mirrored: false) }
    return Tensor(planes, shape: [numbers.count] + pictures.shape)
  }

  /// 1 over the deviation of the learned pictures' latents: what they are multiplied by for a denoiser.
  ///
  /// - Parameter count: how many pictures are looked at, at most.
  public func scalingFactor(count: Int = 1024) throws -> Float {
    var (sum, squares, total) = (0.0, 0.0, 0)
    let some = learned.prefix(count)
    for first in stride(from: 0, to: some.count, by: 16) {
      let x = try batch(learned[first..<min(first + 16, some.count)])
      for value in withoutGradients({ model.encode(x).mean }).values {
        sum += Double(value)
        squares += Double(value) * Double(value)
        total += 1
      }
    }
    let mean = sum / Double(total)
    return Float(1 / max(squares / Double(total) - mean * mean, 1e-12).squareRoot())
  }
}
