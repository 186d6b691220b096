import Foundation
import TensorCore

/// A table of vectors, as `torch.nn.Embedding`.
public struct Embedding {
  let weight: Tensor  // [K, D]

  /// - Parameters:
  ///   - count: how many vectors.
  ///   - size: of each.
  ///   - deviation: of fresh values.
  public init(_ p: ParameterScope, count: Int, size: Int, deviation: Float = 1) {
    weight = p.parameter("weight", [count, size], .normal(deviation: deviation))
  }

  /// Indices in 0 ..< K → [indices.count, D]
  public func callAsFunction(_ indices: [Int]) -> Tensor { embedding(indices, table: weight) }
}

/// Sinusoidal embedding of timesteps (Vaswani et al. 2017), in diffusers' arrangement.
public struct Timesteps: Sendable {
  let channels: Int
  let flipSinToCos: Bool
  let frequencyShift: Float

  /// - Parameters:
  ///   - flipSinToCos: cosines first.
  ///   - frequencyShift: how far the last frequency stays from 1/10000: diffusers' `freq_shift`.
  public init(channels: Int, flipSinToCos: Bool, frequencyShift: Float) {
    (self.channels, self.flipSinToCos, self.frequencyShift) = (channels, flipSinToCos, frequencyShift)
  }

  /// N timesteps → [N, channels]
  public func callAsFunction(_ timesteps: [Float]) -> Tensor {
    let half = channels / 2
    let frequencies = (0..<half).map { i in
      expf(-logf(10_000) * Float(i) / (Float(half) - frequencyShift))
    }
    var values: [Float] = []
    values.reserveCapacity(timesteps.count * channels)
    for t in timesteps {
      let sines = frequencies.map { sinf(t * $0) }
      let cosines = frequencies.map { cosf(t * $0) }
      values += flipSinToCos ? cosines + sines : sines + cosines
      if channels % 2 == 1 { values.append(0) }
    }
    return Tensor(values, shape: [timesteps.count, channels])
  }
}

/// Random Fourier features of log t (Song et al. 2021, "Score-based generative modeling through SDEs").
public struct GaussianFourierProjection {
  let weight: Tensor  // [C], fixed

  /// - Parameter scale: deviation of the frequencies.
  public init(_ p: ParameterScope, channels: Int, scale: Float) {
    weight = p.buffer("weight", [channels], .normal(deviation: scale))
  }

  /// N timesteps > 0 → [N, 2C]
  public func callAsFunction(_ timesteps: [Float]) -> Tensor {
    let frequencies = weight.values
    let values = timesteps.flatMap { t in
      let angles = frequencies.map { logf(t) * $0 * 2 * Float.pi }
      return angles.map(sinf) + angles.map(cosf)
    }
    return Tensor(values, shape: [timesteps.count, 2 * frequencies.count])
  }
}

/// Two linear maps with an activation between: the embedding of a timestep for the whole network.
public struct TimestepEmbedding {
  let linear1: Linear
  let linear2: Linear
  let activation: Activation

  /// - Parameters:
  ///   - inputs: size of the projected timestep.
  ///   - outputs: size of the embedding.
  ///   - activation: what stands between.
  ///   - fresh: how both maps begin; PyTorch's default where nil.
  public init(
    _ p: ParameterScope, inputs: Int, outputs: Int, activation: Activation = .silu, fresh: FreshLinear? = nil
  ) {
    self.activation = activation
    linear1 = Linear(p["linear_1"], inputs: inputs, outputs: outputs, fresh: fresh)
    linear2 = Linear(p["linear_2"], inputs: outputs, outputs: outputs, fresh: fresh)
  }

  /// [N, In] → [N, Out]
  public func callAsFunction(_ x: Tensor) -> Tensor { linear2(linear1(x, activation: activation)) }
}
