import Foundation
import NN
import TensorCore

/// Patches as tokens, each with its place in the picture added: diffusers' `PatchEmbed`.
struct PatchEmbedding {
  let weight: Tensor  // [D, C, p, p]
  let bias: Tensor  // [D]
  let config: DiTConfig

  init(_ p: ParameterScope, _ config: DiTConfig) {
    let (size, width) = (config.patchSize, config.width)
    let inputs = config.inChannels * size * size
    // As a linear map's, although the file holds a convolution's weight.
    weight = p["proj"].parameter(
      "weight", [width, config.inChannels, size, size], .xavier(inputs: inputs, outputs: width))
    bias = p["proj"].parameter("bias", [width], .constant(0))
    self.config = config
  }

  /// [N, C, H, W] → [N, T, D]
  func callAsFunction(_ x: Tensor) -> Tensor {
    let (_, channels, height, width) = x.shape4
    let p = config.patchSize
    // A convolution whose stride is its window is a linear map of each window.
    let tokens = linear(
      x.patches(p, .channelsFirst), weight: weight.reshaped([config.width, channels * p * p]), bias: bias)
    let grid = SinCosPositions(width: config.width, trainedSide: config.sampleSize / p)
    return tokens.adding(each: grid(rows: height / p, columns: width / p))
  }
}

/// Fixed sines and cosines of both coordinates (Vaswani et al. 2017; MAE, He et al. 2022).
///
/// A grid of another size than the trained one is stretched over it.
struct SinCosPositions {
  let width: Int
  /// Rows and columns of the grid that the network was made for.
  let trainedSide: Int

  /// [rows·columns, width]; the first half tells the column, the second the row.
  func callAsFunction(rows: Int, columns: Int) -> Tensor {
    let half = width / 2
    // Angles in double, as diffusers takes them: f32 would lose them at high frequencies.
    let frequencies = (0..<half / 2).map { 1 / pow(10_000, Double($0) / Double(half / 2)) }
    func coordinate(_ index: Int, of count: Int) -> [Float] {
      let position = Double(Float(index) / (Float(count) / Float(trainedSide)))
      let angles = frequencies.map { position * $0 }
      return angles.map { Float(sin($0)) } + angles.map { Float(cos($0)) }
    }
    let (across, down) = (
      (0..<columns).map { coordinate($0, of: columns) }, (0..<rows).map { coordinate($0, of: rows) }
    )
    let values = down.flatMap { row in across.flatMap { column in column + row } }
    return Tensor(values, shape: [rows * columns, width])
  }
}
