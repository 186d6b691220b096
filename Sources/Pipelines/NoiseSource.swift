import TensorCore

/// Where a pipeline's noise comes from. The pictures of one run are one batch here, whatever the network takes at a time.
public protocol NoiseSource {
  /// Standard normals of `shape` for a purpose: `[N, ...]`, one entry a picture.
  ///
  /// - Parameter step: which step of the sampler asks.
  mutating func normal(_ shape: [Int], _ purpose: NoisePurpose, step: Int) -> Tensor
}

/// The generators that a user can name.
public enum Generator: String, Codable, Sendable, CaseIterable {
  /// Keyed by seed, picture, step and purpose: a picture does not depend on what is made beside it.
  case philox
  /// PyTorch's, drawn in diffusers' order: a seed and a count give the pictures that diffusers gives.
  case torch

  /// A source of noise for a seed.
  ///
  /// - Parameter firstIndex: the number of the first picture, of which philox alone takes notice.
  public func source(seed: UInt64, firstIndex: Int = 0) -> any NoiseSource {
    switch self {
    case .philox: PhiloxNoise(seed: seed, firstIndex: firstIndex)
    case .torch: TorchNoise(generator: TorchGenerator(seed: seed))
    }
  }
}

struct PhiloxNoise: NoiseSource {
  let seed: UInt64
  let firstIndex: Int

  func normal(_ shape: [Int], _ purpose: NoisePurpose, step: Int) -> Tensor {
    let size = shape.dropFirst().reduce(1, *)
    let values = (0..<shape[0]).flatMap { n in
      let key = NoiseKey(seed: seed, index: UInt32(firstIndex + n), step: UInt32(step), purpose: purpose)
      return Philox(key).normal(size)
    }
    return Tensor(values, shape: shape)
  }
}

struct TorchNoise: NoiseSource {
  var generator: TorchGenerator

  mutating func normal(_ shape: [Int], _ purpose: NoisePurpose, step: Int) -> Tensor {
    Tensor(generator.normal(shape.reduce(1, *)), shape: shape)
  }
}
