/// What a draw is for: part of the key, so that two uses never share noise. Raw values are part of the bit contract.
public enum NoisePurpose: UInt32, Sendable {
  case initialLatents = 1, samplerStep = 2, trainingNoise = 3, trainingTimestep = 4, dataOrder = 5, flip = 6,
    crop = 7, weightInit = 8, dropout = 9, classDropout = 10, preview = 11, drawing = 12,
    offsetNoise = 13, likelihood = 14, likelihoodTimestep = 15, posterior = 16, renoising = 17,
    knownRegion = 18, validation = 19, holeFilling = 20, caption = 21
}

/// Philox's key and counter prefix: the same key gives the same numbers whatever was drawn before.
public struct NoiseKey: Hashable, Sendable {
  public var seed: UInt64, index: UInt32, step: UInt32, purpose: NoisePurpose

  /// A key of its four parts.
  public init(seed: UInt64, index: UInt32, step: UInt32, purpose: NoisePurpose) {
    (self.seed, self.index, self.step, self.purpose) = (seed, index, step, purpose)
  }
}
