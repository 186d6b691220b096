import Models
import NN
import Pictures
import TensorCore

/// To give pictures back through few latents (Rombach et al. 2022, appendix G): reconstruction, a little divergence and,
/// where there is a network to tell it, how unlike the two look; and, after a while, a discriminator whose weight balances
/// its gradient with that of the reconstruction at the last layer (Esser et al. 2021, equation 7).
public final class AutoencoderObjective: Objective {
  /// What decides the run.
  public let options: AutoencoderOptions
  /// The network that is trained.
  public let model: AutoencoderKL
  /// Which pictures are learned, and which are measured by.
  public let split: HeldOut

  private let training: TrainingOptions
  private let pictures: PictureStore
  private var plan: BatchPlan
  private let lastLayer: Tensor?
  private let perceptual: LPIPS?
  private var discriminator: Discriminator?

  private struct Discriminator {
    let network: PatchDiscriminator
    var optimizer: AdamW
    var parameters: [(key: String, tensor: Tensor)] { network.parameters.parameters }
    var tensors: [Tensor] { parameters.map(\.tensor) }
  }

  /// - Parameter perceptual: nil leaves the perceptual term out.
  public init(
    _ model: AutoencoderKL, _ pictures: PictureStore, _ options: AutoencoderOptions,
    _ training: TrainingOptions, perceptual: LPIPS? = nil
  ) {
    (self.model, self.pictures, self.options, self.training) = (model, pictures, options, training)
    self.perceptual = perceptual
    split = HeldOut(count: pictures.count, share: training.heldOut)
    plan = BatchPlan(pictures: split.learned.count, timesteps: 1, options: training)
    lastLayer = model.parameters.parameters.first { $0.key == "decoder.conv_out.weight" }?.tensor
    if options.discriminatorStart != nil {
      let store = ParameterStore(.fresh(seed: training.seed &+ 1))
      let network = PatchDiscriminator(channels: model.config.inChannels, store)
      discriminator = Discriminator(
        network: network, optimizer: AdamW(store.parameters.map(\.tensor), training.optimizer))
    }
  }

  /// The loss of a batch, its gradients with the discriminator's, and the discriminator's own step to come.
  ///
  /// - Throws: `PictureError` where a picture cannot be read.
  public func evaluate(step: Int, micro: Int, for parameters: [Tensor]) throws -> BatchEvaluation {
    let batch = plan.batch(step: step, micro: micro)
    let planes = try batch.flatMap {
      try pictures.planes(
        split.learned[$0.picture], place: ($0.cropX, $0.cropY), mirrored: $0.mirrored)
    }
    let x = Tensor(planes, shape: [batch.count] + pictures.shape)
    let noise = noise(
      batch.map { BatchPlan.key(training.seed, Int($0.number), .posterior) }, for: x)
    let (loss, gradients) = valueAndGradients(of: parameters) { fidelity(x, noise) }
    guard let discriminator, let start = options.discriminatorStart, step >= start else {
      return BatchEvaluation(loss: loss.item, gradients: gradients)
    }
    let (_, adversarial) = valueAndGradients(of: parameters) {
      -1 * mean(discriminator.network(reconstruction(x, noise)))
    }
    // Where the last layer is frozen, the gradients of all that learns are balanced in its place.
    let last = parameters.indices.filter { parameters[$0].storage === lastLayer?.storage }
    let balanced = last.isEmpty ? Array(parameters.indices) : last
    let balance =
      AdamW.norm(balanced.map { gradients[$0] }) / (AdamW.norm(balanced.map { adversarial[$0] }) + 1e-4)
    let weight = options.discriminatorWeight * min(balance, 1e4)
    let made = withoutGradients { reconstruction(x, noise) }
    let (hinge, own) = valueAndGradients(of: discriminator.tensors) {
      let real = (-1 * discriminator.network(x) + 1).activated(.relu)
      let fake = (discriminator.network(made) + 1).activated(.relu)
      return 0.5 * (mean(real) + mean(fake))
    }
    let norm = AdamW.norm(own)
    return BatchEvaluation(
      loss: loss.item,
      gradients: zip(gradients, adversarial).map { .combination([(1, $0), (weight, $1)]) },
      others: ["discriminator_loss": hinge.item, "discriminator_gradient_norm": norm]
    ) { rate in
      discriminator.optimizer.step(own, norm: norm, learningRate: rate)
    }
  }

  /// Reconstruction of a draw, and its distance with the weighted divergence.
  private func fidelity(_ x: Tensor, _ noise: Tensor) -> Tensor {
    let posterior = model.encode(x)
    let size = Float(x.count / x.shape[0])
    return likeness(model.decode(posterior.sample(noise)), x)
      + options.klWeight / size * posterior.divergence
  }

  /// How far a picture is from another, by its values and by how it looks.
  private func likeness(_ y: Tensor, _ x: Tensor) -> Tensor {
    let error =
      switch options.reconstruction {
      case .mse: meanSquaredError(y, x)
      case .l1:
        // Pseudo-Huber far above its turn: the magnitude, but smooth at 0.
        (1 / (2 * Self.turn))
          * pseudoHuberErrors(y, x, constants: Array(repeating: Self.turn, count: x.shape[0])).weightedMean(
            Array(repeating: 1, count: x.shape[0]))
      }
    return perceptual.map { error + options.perceptualWeight * $0(y, x) } ?? error
  }

  private static let turn: Float = 1e-3

  private func reconstruction(_ x: Tensor, _ noise: Tensor) -> Tensor {
    model.decode(model.encode(x).sample(noise))
  }

  private func mean(_ x: Tensor) -> Tensor { 1 / Float(x.count) * x.sum() }

  /// One draw a picture for its latents.
  private func noise(_ keys: [NoiseKey], for x: Tensor) -> Tensor {
    let factor = model.config.downsampling
    let shape = [model.config.latentChannels, x.shape[2] / factor, x.shape[3] / factor]
    return Tensor(
      keys.flatMap { Philox($0).normal(shape.reduce(1, *)) }, shape: [keys.count] + shape)
  }

  // MARK: Measuring

  /// The same loss, without the discriminator's, over at most 32 of the pictures that are measured by.
  ///
  /// - Throws: `PictureError`.
  public func validate() throws -> Validation {
    let numbers = Array(split.measured.prefix(32))
    var (sum, sumOfZeros) = (0.0, 0.0)
    for first in stride(from: 0, to: numbers.count, by: 16) {
      let part = first..<min(first + 16, numbers.count)
      let x = try self.batch(numbers[part])
      let keys = part.map {
        NoiseKey(seed: training.seed, index: UInt32($0), step: 0, purpose: .validation)
      }
      let noise = noise(keys, for: x)
      let (loss, zeros) = withoutGradients {
        (fidelity(x, noise).item, likeness(.zeros(x.shape), x).item)
      }
      sum += Double(loss) * Double(part.count)
      sumOfZeros += Double(zeros) * Double(part.count)
    }
    let count = Double(numbers.count)
    return Validation(loss: Float(sum / count), lossOfZeros: Float(sumOfZeros / count))
  }

  /// Pictures by number, `[N, C, R, R]`, cut in the middle.
  ///
  /// - Throws: `PictureError`.
  public func batch(_ numbers: ArraySlice<Int>) throws -> Tensor {
    let planes = try numbers.flatMap { try pictures.planes($0, place: (0.5, 0.5), mirrored: false) }
    return Tensor(planes, shape: [numbers.count] + pictures.shape)
  }

  /// The class of a picture.
  func classIndex(_ number: Int) -> Int? { pictures.classIndex(number) }

  /// 1 over the deviation of the learned pictures' latents: what they are multiplied by for a denoiser.
  ///
  /// - Parameter count: how many pictures are looked at, at most.
  /// - Throws: `PictureError`.
  public func scalingFactor(count: Int = 1024) throws -> Float {
    var (sum, squares, total) = (0.0, 0.0, 0)
    let some = split.learned.prefix(count)
    for first in stride(from: 0, to: some.count, by: 16) {
      let x = try batch(some[first..<min(first + 16, some.count)])
      for value in withoutGradients({ model.encode(x).mean }).values {
        sum += Double(value)
        squares += Double(value) * Double(value)
        total += 1
      }
    }
    let mean = sum / Double(total)
    return Float(1 / max(squares / Double(total) - mean * mean, 1e-12).squareRoot())
  }

  // MARK: State

  private static func key(_ part: String, _ key: String) -> String { "discriminator/\(part)/\(key)" }

  /// The discriminator's weights and moments.
  public var state: [(key: String, tensor: Tensor)] {
    guard let discriminator else { return [] }
    return discriminator.parameters.enumerated().flatMap { i, parameter in
      [
        (Self.key("weight", parameter.key), parameter.tensor),
        (Self.key("m", parameter.key), discriminator.optimizer.firstMoments[i]),
        (Self.key("v", parameter.key), discriminator.optimizer.secondMoments[i]),
      ]
    }
  }

  /// Takes back the discriminator's weights and moments.
  ///
  /// - Throws: `SafetensorsError` or `TrainingStateError`.
  public func restore(_ file: SafetensorsFile, stepsTaken: Int) throws {
    guard let discriminator, let start = options.discriminatorStart else { return }
    func read(_ part: String) throws -> [Tensor] {
      try file.tensors(of: "discriminator/\(part)", discriminator.parameters)
    }
    for (own, stored) in zip(discriminator.tensors, try read("weight")) { own.overwrite(with: stored) }
    self.discriminator?.optimizer = AdamW(
      discriminator.tensors, training.optimizer, moments: (try read("m"), try read("v")),
      stepsTaken: max(0, stepsTaken - start) * training.accumulate)
  }
}
