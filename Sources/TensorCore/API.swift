// SKETCH of the public surface, bodies to follow in Ops/. Signatures here are what the other modules may rely on.

/// An f32 tensor. Shapes are logical: a feature map is `[N, C, H, W]` whatever its memory order.
public struct Tensor {
  public let shape: [Int]
  /// Values in logical row-major order.
  public init(_ values: [Float], shape: [Int]) { fatalError() }
  public static func zeros(_ shape: [Int]) -> Tensor { fatalError() }
  public static func full(_ shape: [Int], _ value: Float) -> Tensor { fatalError() }
  /// All values, in logical row-major order (a copy).
  public var values: [Float] { fatalError() }
  /// The value of a one-element tensor.
  public var item: Float { fatalError() }
  public var count: Int { shape.reduce(1, *) }
  public var shape2: (Int, Int) { (shape[0], shape[1]) }
  public var shape3: (Int, Int, Int) { (shape[0], shape[1], shape[2]) }
  public var shape4: (Int, Int, Int, Int) { (shape[0], shape[1], shape[2], shape[3]) }
  /// Marks a leaf whose gradient is wanted; set by NN's parameter scope.
  public func markedTrainable() -> Tensor { fatalError() }
}

/// What follows a normalisation or a linear map.
public enum Activation: String, Sendable, Codable { case identity, silu, gelu, relu, mish }
/// Zero padding of a convolution, in pixels.
public struct Padding: Sendable, Hashable {
  public var top: Int, left: Int, bottom: Int, right: Int
  public init(top: Int, left: Int, bottom: Int, right: Int) {
    (self.top, self.left, self.bottom, self.right) = (top, left, bottom, right)
  }
  public static func all(_ p: Int) -> Padding { Padding(top: p, left: p, bottom: p, right: p) }
}

// MARK: differentiation (Tape.swift)

/// The value of `body` (a scalar) and its gradient for each of `parameters` (zeros where it does not depend on one).
public func valueAndGradients(of parameters: [Tensor], _ body: () throws -> Tensor) rethrows -> (
  value: Tensor, gradients: [Tensor]
) { fatalError() }
/// Runs `body` with no tape kept; memory is reused as soon as a value is no longer referred to.
public func withoutGradients<R>(_ body: () throws -> R) rethrows -> R { fatalError() }

// MARK: element-wise (Ops/Elementwise.swift); operands of the same shape
extension Tensor {
  public static func + (a: Tensor, b: Tensor) -> Tensor { fatalError() }
  public static func - (a: Tensor, b: Tensor) -> Tensor { fatalError() }
  public static func * (a: Tensor, b: Tensor) -> Tensor { fatalError() }
  public static func * (a: Float, b: Tensor) -> Tensor { fatalError() }
  /// Σ coefficient · tensor, in one pass. The arithmetic of every sampler step.
  public static func combination(_ terms: [(Float, Tensor)]) -> Tensor { fatalError() }
  /// a[n] · x[n, …] + b[n] · y[n, …]: one coefficient a sample (noising a batch at several timesteps).
  public static func combination(perSample a: [Float], _ x: Tensor, _ b: [Float], _ y: Tensor) -> Tensor {
    fatalError()
  }
  /// x[N, C, H, W] + t[N, C].
  public func addingChannels(_ t: Tensor) -> Tensor { fatalError() }
  public func clamped(_ low: Float, _ high: Float) -> Tensor { fatalError() }
  public func activated(_ activation: Activation) -> Tensor { fatalError() }
  public func reshaped(_ shape: [Int]) -> Tensor { fatalError() }
  /// Rows `range` of the first dimension.
  public func rows(_ range: Range<Int>) -> Tensor { fatalError() }
  /// Along the first dimension.
  public static func stacked(_ parts: [Tensor]) -> Tensor { fatalError() }
  /// Along dimension 1.
  public static func concatenatedChannels(_ parts: [Tensor]) -> Tensor { fatalError() }
  /// Dimension 1 cut into parts of the given sizes.
  public func splitChannels(_ sizes: [Int]) -> [Tensor] { fatalError() }
  /// [N, C, H, W] → [N, H·W, C].
  public func tokens() -> Tensor { fatalError() }
  /// [N, H·W, C] → [N, C, H, W].
  public func featureMap(height: Int, width: Int) -> Tensor { fatalError() }
  /// Each pixel twice in both directions.
  public func upsampledNearest() -> Tensor { fatalError() }
  /// Mean of 2×2 pixels, stride 2.
  public func averagePooled() -> Tensor { fatalError() }
  /// FIR resampling by 2 with the separable kernel `taps` (as diffusers' `upsample_2d` / `downsample_2d`, taps [1,3,3,1]).
  public func firUpsampled(taps: [Float]) -> Tensor { fatalError() }
  public func firDownsampled(taps: [Float]) -> Tensor { fatalError() }
}

// MARK: layers' arithmetic
/// x [N, C, H, W], weight [O, C, kh, kw], bias [O] → [N, O, H', W'] (+ residual, of the result's shape).
public func conv2D(
  _ x: Tensor, weight: Tensor, bias: Tensor?, stride: Int = 1, padding: Padding, adding residual: Tensor? = nil
) -> Tensor { fatalError() }
/// x [..., In], weight [Out, In], bias [Out] → [..., Out].
public func linear(_ x: Tensor, weight: Tensor, bias: Tensor?) -> Tensor { fatalError() }
/// activation(((x + shift − μ)/√(σ² + ε) · weight + bias) · (1 + modulation.scale) + modulation.shift), per group.
/// x [N, C, H, W] or [N, C, T]; weight, bias [C]; shift, modulation.scale, modulation.shift [N, C].
public func groupNorm(
  _ x: Tensor, groups: Int, weight: Tensor, bias: Tensor, epsilon: Float, shift: Tensor? = nil,
  modulation: (scale: Tensor, shift: Tensor)? = nil, activation: Activation = .identity
) -> Tensor { fatalError() }
/// softmax(q·kᵀ·scale)·v per head; q [N, T, C], k and v [N, S, C], C = heads · headSize.
public func attention(_ q: Tensor, _ k: Tensor, _ v: Tensor, heads: Int, scale: Float) -> Tensor { fatalError() }
/// Rows of `table` [K, D] → [indices.count, D].
public func embedding(_ indices: [Int], table: Tensor) -> Tensor { fatalError() }
/// mean((prediction − target)²), each sample's term times its weight.
public func meanSquaredError(_ prediction: Tensor, _ target: Tensor, sampleWeights: [Float]? = nil) -> Tensor {
  fatalError()
}
/// Zeroes values with `probability` and scales the rest by 1/(1 − probability); the mask is Philox's for `key`.
public func dropout(_ x: Tensor, probability: Float, key: NoiseKey) -> Tensor { fatalError() }

// MARK: random numbers (Random/)

/// What a draw is for: part of the key, so that two uses never share noise. Raw values are part of the bit contract.
public enum NoisePurpose: UInt32, Sendable {
  case initialLatents = 1, samplerStep = 2, trainingNoise = 3, trainingTimestep = 4, dataOrder = 5, flip = 6,
    crop = 7, weightInit = 8, dropout = 9, classDropout = 10, preview = 11, drawing = 12
}
/// Philox's key and counter prefix: the same key gives the same numbers whatever was drawn before.
public struct NoiseKey: Hashable, Sendable {
  public var seed: UInt64, index: UInt32, step: UInt32, purpose: NoisePurpose
  public init(seed: UInt64, index: UInt32, step: UInt32, purpose: NoisePurpose) {
    (self.seed, self.index, self.step, self.purpose) = (seed, index, step, purpose)
  }
}
