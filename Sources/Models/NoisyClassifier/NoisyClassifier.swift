import Foundation
import NN
import TensorCore

/// Says which class a noisy picture is of, for guidance by its gradient: the contracting half of a `UNet2D` with attention
/// pooling at its end (Dhariwal & Nichol 2021, "Diffusion models beat GANs on image synthesis").
public struct NoisyClassifier {
  /// What it was built from.
  public let config: NoisyClassifierConfig
  /// Its tensors by key.
  public let parameters: ParameterStore

  private let embedding: UNet2DEmbedding
  private let contracting: ContractingPath
  private let pool: AttentionPool

  /// Builds the network on `store`.
  ///
  /// - Throws: `ConfigError` for an impossible configuration; `CheckpointError` or `SafetensorsError` where
  ///   the store's checkpoint does not fit it.
  public init(_ config: NoisyClassifierConfig, _ store: ParameterStore) throws {
    try config.validate()
    self.init(valid: config, store)
    try store.finish()
  }

  init(valid config: NoisyClassifierConfig, _ store: ParameterStore) {
    self.config = config
    parameters = store
    let (p, unet) = (store.root, config.unet)
    let convIn = Conv2D(
      p["conv_in"], inputs: unet.inChannels, outputs: unet.blockOutChannels[0], kernel: 3)
    embedding = UNet2DEmbedding(p, unet)
    contracting = ContractingPath(p, unet, convIn: convIn)
    pool = AttentionPool(p["pool"], config)
  }

  /// Scores of the classes before softmax, [N, classes], of a noisy batch.
  ///
  /// - Parameters:
  ///   - x: `[N, in_channels, H, W]`; H and W multiples of `config.unet.sizeMultiple`.
  ///   - timesteps: N of them.
  ///   - dropout: the key of this step's drop-out; nil outside training.
  public func callAsFunction(_ x: Tensor, timesteps: [Float], dropout: NoiseKey? = nil) -> Tensor {
    let unet = config.unet
    let context = BlockContext(
      activatedTime: embedding(timesteps, nil).activated(unet.actFn), dropout: dropout)
    return pool(contracting(unet.centerInputSample ? 2 * x + -1 : x, context).bottom)
  }

  /// p(class | x) of a noisy batch: N rows, a value a class, which add up to 1.
  ///
  /// - Parameters:
  ///   - x: `[N, in_channels, H, W]`.
  ///   - timesteps: N of them.
  public func probabilities(_ x: Tensor, timesteps: [Float]) -> [[Float]] {
    let scores = withoutGradients { self(x, timesteps: timesteps) }.values
    return stride(from: 0, to: scores.count, by: config.classes).map { start in
      let row = scores[start..<start + config.classes]
      let top = row.max() ?? 0
      let powers = row.map { exp($0 - top) }
      let sum = powers.reduce(0, +)
      return powers.map { $0 / sum }
    }
  }

  /// Σ log p(label | x), and its gradient for x: what guidance follows.
  ///
  /// - Parameters:
  ///   - x: `[N, in_channels, H, W]`.
  ///   - timesteps: N of them.
  ///   - labels: N classes.
  /// - Returns: the gradient has the shape of x; no picture's depends on another.
  public func logProbability(_ x: Tensor, timesteps: [Float], labels: [Int]) -> (
    value: Float, gradient: Tensor
  ) {
    let (value, gradients) = valueAndGradients(of: [x]) {
      -1 * self(x, timesteps: timesteps).crossEntropies(labels).sum()
    }
    return (value.item, gradients[0])
  }
}

/// A map as one score a class: what a learned query finds in all its pixels.
private struct AttentionPool {
  let norm: GroupNorm
  let query: Embedding
  let toK: Linear, toV: Linear, toScores: Linear
  let heads: Int
  let scale: Float
  let activation: Activation

  init(_ p: ParameterScope, _ config: NoisyClassifierConfig) {
    let unet = config.unet
    let channels = unet.blockOutChannels[unet.blockOutChannels.count - 1]
    norm = GroupNorm(p["norm"], channels: channels, groups: unet.normNumGroups, epsilon: unet.normEps)
    query = Embedding(p["query"], count: 1, size: channels)
    toK = Linear(p["to_k"], inputs: channels, outputs: channels)
    toV = Linear(p["to_v"], inputs: channels, outputs: channels)
    toScores = Linear(p["to_scores"], inputs: channels, outputs: config.classes)
    p.require(
      channels % config.poolHeadDim == 0,
      "\(channels) channels, which heads of \(config.poolHeadDim) do not divide")
    heads = max(1, channels / config.poolHeadDim)
    scale = 1 / Float(config.poolHeadDim).squareRoot()
    activation = unet.actFn
  }

  /// [N, C, H, W] → [N, classes]
  func callAsFunction(_ x: Tensor) -> Tensor {
    let (n, c, _, _) = x.shape4
    let q = query(Array(repeating: 0, count: n)).reshaped([n, 1, c])
    let kv = linear(norm(x, activation: activation).tokens(), [toK.map, toV.map])
    return toScores(attention(q, kv[0], kv[1], heads: heads, scale: scale).reshaped([n, c]))
  }
}
