import NN
import TensorCore

/// The picture that steers, as features of the size of the base's input: diffusers' `ControlNetConditioningEmbedding`.
struct ControlEmbedding {
  let convIn: Conv2D
  let blocks: [Conv2D]
  let convOut: Conv2D

  /// - Parameters:
  ///   - inputs: channels of the picture.
  ///   - channels: from the full resolution down; each after the first halves the size.
  ///   - outputs: channels of the features.
  ///   - patch: height and width of what becomes one pixel of the features at the end: a transformer's patch.
  init(_ p: ParameterScope, inputs: Int, channels: [Int], outputs: Int, patch: Int = 1) {
    convIn = Conv2D(p["conv_in"], inputs: inputs, outputs: channels[0], kernel: 3)
    blocks = zip(channels, channels.dropFirst()).enumerated().flatMap { i, pair in
      [
        Conv2D(p["blocks"][2 * i], inputs: pair.0, outputs: pair.0, kernel: 3),
        Conv2D(p["blocks"][2 * i + 1], inputs: pair.0, outputs: pair.1, kernel: 3, stride: 2),
      ]
    }
    // Zeros: the base begins undisturbed.
    convOut = Conv2D(
      p["conv_out"], inputs: channels[channels.count - 1], outputs: outputs, kernel: patch == 1 ? 3 : patch,
      stride: patch, padding: .all(patch == 1 ? 1 : 0), fresh: .zero)
  }

  /// [N, C, H, W] → [N, outputs, H/2ᵏ, W/2ᵏ], k being how many halvings there are; a patch makes them smaller again.
  func callAsFunction(_ image: Tensor) -> Tensor {
    var h = convIn(image).activated(.silu)
    for block in blocks { h = block(h).activated(.silu) }
    return convOut(h)
  }

  /// diffusers' channels for a halving each, cut off where a base's input is larger, and wider in steps where it is smaller.
  static func channels(downsampling: Int) -> [Int] {
    let halvings = max(0, downsampling.bitWidth - 1 - downsampling.leadingZeroBitCount)
    let known = [16, 32, 96, 256]
    return (0...halvings).map { known[min($0, known.count - 1)] }
  }
}

/// 1×1 convolutions of zeros, one before each residual.
struct ZeroConvolutions {
  let blocks: [Conv2D]
  let middle: Conv2D

  /// - Parameter channels: of each residual, from the input on.
  init(_ p: ParameterScope, channels: [Int], middle: Int) {
    func zero(_ p: ParameterScope, _ channels: Int) -> Conv2D {
      Conv2D(p, inputs: channels, outputs: channels, kernel: 1, fresh: .zero)
    }
    blocks = channels.enumerated().map { zero(p["controlnet_down_blocks"][$0], $1) }
    self.middle = zero(p["controlnet_mid_block"], middle)
  }

  func callAsFunction(_ path: ContractingPath.Result) -> ControlResiduals {
    ControlResiduals(blocks: zip(blocks, path.skips).map { $0($1) }, middle: middle(path.bottom))
  }

  /// Channels of a contracting path's results: the first convolution's, then each block's layers and its downsampler.
  static func channels(_ blockOutChannels: [Int], layers: [Int]) -> [Int] {
    let last = blockOutChannels.count - 1
    return [blockOutChannels[0]]
      + zip(blockOutChannels, layers).enumerated().flatMap { i, block in
        Array(repeating: block.0, count: block.1 + (i < last ? 1 : 0))
      }
  }
}
