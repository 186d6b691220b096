import TensorCore

/// Begins with noise that is given; all else is drawn.
public struct GivenNoise: NoiseSource {
  private let latents: Tensor
  private let firstIndex: Int
  private var rest: any NoiseSource

  /// - Parameters:
  ///   - latents: `[K, C, H, W]` of standard normals; a picture takes the row of its number, and they are gone through in
  ///     turn.
  ///   - firstIndex: the number of the first picture.
  ///   - rest: what is drawn after the beginning.
  public init(_ latents: Tensor, firstIndex: Int, rest: any NoiseSource) {
    (self.latents, self.firstIndex, self.rest) = (latents, firstIndex, rest)
  }

  /// Standard normals, or at the beginning what was given, which must be of the pictures' size.
  public mutating func normal(_ shape: [Int], _ purpose: NoisePurpose, step: Int) -> Tensor {
    guard purpose == .initialLatents, step == 0 else { return rest.normal(shape, purpose, step: step) }
    let rows = (0..<shape[0]).map { n in
      let row = (firstIndex + n) % latents.shape[0]
      return latents.rows(row..<row + 1)
    }
    return .stacked(rows).reshaped(shape)
  }
}

/// Begins part of the way from one source's noise to another's; all else is drawn from the first.
public struct VariedNoise: NoiseSource {
  private var base: any NoiseSource
  private var other: any NoiseSource
  private let strength: Float

  /// - Parameter strength: how far, from 0 to 1; A1111's "variation strength", by its rule.
  public init(_ base: any NoiseSource, towards other: any NoiseSource, strength: Float) {
    (self.base, self.other, self.strength) = (base, other, strength)
  }

  /// Standard normals.
  public mutating func normal(_ shape: [Int], _ purpose: NoisePurpose, step: Int) -> Tensor {
    let own = base.normal(shape, purpose, step: step)
    guard purpose == .initialLatents, step == 0 else { return own }
    return own.spherical(to: other.normal(shape, purpose, step: step), strength, over: .columns)
  }
}

/// The noise of frames that lie between pictures: every draw goes along the way from one picture's to the next's.
public struct NoiseWalk: NoiseSource {
  private var stops: [any NoiseSource]
  private let places: [WalkPlace]

  /// - Parameters:
  ///   - stops: the noise of one picture each.
  ///   - places: of the frames.
  public init(_ stops: [any NoiseSource], _ places: [WalkPlace]) {
    (self.stops, self.places) = (stops, places)
  }

  /// Standard normals, a row a frame.
  public mutating func normal(_ shape: [Int], _ purpose: NoisePurpose, step: Int) -> Tensor {
    precondition(shape[0] == places.count, "\(shape[0]) rows for \(places.count) frames")
    let one = [1] + shape.dropFirst()
    let draws = stops.indices.map { stops[$0].normal(one, purpose, step: step) }
    return .stacked(
      places.map { $0.between(draws) { $0.spherical(to: $1, $2, over: .pictures) } })
  }
}

/// The noise of a run that follows another on the same pictures: no draw of the first is used again.
public struct SecondPassNoise: NoiseSource {
  /// More steps than any schedule has.
  private static let shift = 1 << 16
  private var first: any NoiseSource

  /// - Parameter first: the noise of the run before, from which PyTorch's generator goes on.
  public init(after first: any NoiseSource) { self.first = first }

  /// Standard normals.
  public mutating func normal(_ shape: [Int], _ purpose: NoisePurpose, step: Int) -> Tensor {
    first.normal(shape, purpose, step: step + Self.shift)
  }
}
