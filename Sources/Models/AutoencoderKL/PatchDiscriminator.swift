import NN
import TensorCore

/// Tells pictures from reconstructions, patch by patch (Isola et al. 2017, "PatchGAN"), as latent diffusion's autoencoders are
/// trained against. Groups of channels are normalised where the original normalises batches: what a picture is judged by
/// then does not depend on what is beside it.
public struct PatchDiscriminator {
  /// Its tensors by key.
  public let parameters: ParameterStore
  private let layers: [(conv: Conv2D, norm: GroupNorm?)]
  private let last: Conv2D

  /// - Parameters:
  ///   - channels: of a picture.
  ///   - width: channels of the first layer.
  ///   - depth: layers that halve the resolution.
  public init(channels: Int = 3, width: Int = 32, depth: Int = 2, _ store: ParameterStore) {
    parameters = store
    let p = store.root
    var inputs = channels
    layers = (0..<depth).map { i in
      let outputs = width << i
      defer { inputs = outputs }
      return (
        Conv2D(
          p["layers"][i]["conv"], inputs: inputs, outputs: outputs, kernel: 4, stride: 2, padding: .all(1)),
        i == 0 ? nil : GroupNorm(p["layers"][i]["norm"], channels: outputs, groups: 8, epsilon: 1e-5)
      )
    }
    last = Conv2D(p["last"], inputs: inputs, outputs: 1, kernel: 3)
  }

  /// [N, C, H, W] → [N, 1, H', W']: above 0 for what it takes to be a picture.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    var h = x
    for layer in layers {
      h = layer.conv(h)
      h = layer.norm?(h) ?? h
      // Leaky ReLU of slope 0.2.
      h = h.activated(.relu) - 0.2 * (-1 * h).activated(.relu)
    }
    return last(h)
  }
}
