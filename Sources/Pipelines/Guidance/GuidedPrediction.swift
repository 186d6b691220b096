import TensorCore

/// How predictions of several sides become one.
///
/// What a network says of the variance, in a second half of its channels, is taken from the conditional side. With a rescale
/// φ above 0 the result is brought towards the deviation of what is said without guidance, a picture at a time (Lin et al. 2023,
/// "Common diffusion noise schedules and sample steps are flawed", section 3.4): guidance otherwise adds contrast.
struct GuidedPrediction {
  /// Of the pictures.
  let channels: Int
  /// φ, from 0 to 1.
  let rescale: Float

  /// - Parameters:
  ///   - sides: `[N, C or 2C, H, W]` each.
  ///   - conditional: the number of the side that was told the condition, or the first part of it.
  ///   - plain: what the sides say of the picture without guidance; the conditional side alone unless given.
  ///   - rule: combines what the sides say of the picture.
  func callAsFunction(
    _ sides: [Tensor], conditional: Int, plain: (([Tensor]) -> Tensor)? = nil, _ rule: ([Tensor]) -> Tensor
  ) -> Tensor {
    let saysVariance = sides[conditional].shape[1] == 2 * channels
    let halves = sides.map { side in
      side.shape[1] == channels ? [side] : side.splitChannels([channels, channels])
    }
    let pictures = halves.map { $0[0] }
    var picture = rule(pictures)
    if rescale != 0 { picture = rescaled(picture, to: plain?(pictures) ?? pictures[conditional]) }
    return saysVariance ? .concatenatedChannels([picture, halves[conditional][1]]) : picture
  }

  /// φ·x·std(plain)/std(x) + (1 − φ)·x
  private func rescaled(_ x: Tensor, to plain: Tensor) -> Tensor {
    let factors = zip(deviations(plain), deviations(x)).map { wanted, present in
      present > 0 ? rescale * (wanted / present) + (1 - rescale) : 1
    }
    return .combination(perSample: factors, x, factors.map { _ in 0 }, x)
  }

  /// Of each picture's values, as torch.std has them: divided by one less than there are.
  private func deviations(_ x: Tensor) -> [Float] {
    (0..<x.shape[0]).map { n in
      let values = x.rows(n..<n + 1).values
      let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
      let squares = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
      return Float((squares / Double(max(1, values.count - 1))).squareRoot())
    }
  }
}
