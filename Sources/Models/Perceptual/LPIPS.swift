import Foundation
import NN
import TensorCore

/// How unlike two pictures look: the distance of a VGG-16's features, layer by layer (Zhang et al. 2018, "LPIPS").
///
/// The weights are not part of this program. They are read from a safetensors file with the keys of
/// `lpips.LPIPS(net="vgg").state_dict()`; the number of channels is whatever the file's is.
public struct LPIPS {
  private struct Stage {
    let convolutions: [(weight: Tensor, bias: Tensor)]
    /// What each channel counts, `[C]`.
    let importance: Tensor
  }

  private let stages: [Stage]

  /// The side of the smallest picture that four halvings leave something of.
  public static let leastSide = 16

  /// The places of the convolutions among the layers of torchvision's `vgg16().features`.
  private static let places = [[0, 2], [5, 7], [10, 12, 14], [17, 19, 21], [24, 26, 28]]

  /// - Parameter url: a safetensors file.
  /// - Throws: `SafetensorsError`; `ConfigError` where it holds another network.
  public init(contentsOf url: URL) throws {
    let file = try Checkpoint(file: url)
    var inputs = 3
    stages = try Self.places.enumerated().map { i, places in
      let convolutions = try places.map { place in
        let key = "net.slice\(i + 1).\(place)"
        let (weight, bias) = (try file.tensor("\(key).weight"), try file.tensor("\(key).bias"))
        guard weight.shape.dropFirst() == [inputs, 3, 3], bias.shape == [weight.shape[0]] else {
          throw ConfigError(
            file: file.name,
            "holds '\(key)' as \(weight.shape), which a VGG-16 after \(inputs) channels cannot have")
        }
        inputs = weight.shape[0]
        return (weight, bias)
      }
      let importance = try file.tensor("lin\(i).model.1.weight")
      guard importance.shape == [1, inputs, 1, 1] else {
        throw ConfigError(
          file: file.name,
          "holds 'lin\(i).model.1.weight' as \(importance.shape); [1, \(inputs), 1, 1] was expected")
      }
      return Stage(convolutions: convolutions, importance: importance.reshaped([inputs]))
    }
  }

  /// The mean distance of pictures in [-1, 1] from their targets, through which no gradient goes.
  ///
  /// - Parameters:
  ///   - x: `[N, 3, H, W]`.
  ///   - target: the same shape.
  /// - Returns: a tensor of one.
  public func callAsFunction(_ x: Tensor, _ target: Tensor) -> Tensor {
    let targets = withoutGradients { features(target) }
    return zip(features(x), zip(targets, stages)).map { own, other in
      perceptualDistance(own, other.0, weight: other.1.importance)
    }.reduce(Tensor([0], shape: [1])) { $0 + $1 }
  }

  /// What each stage's last layer says.
  private func features(_ x: Tensor) -> [Tensor] {
    var h = Self.standardized(x)
    return stages.enumerated().map { i, stage in
      if i > 0 { h = h.maxPooled() }
      for layer in stage.convolutions {
        h = conv2D(h, weight: layer.weight, bias: layer.bias, padding: .all(1)).activated(.relu)
      }
      return h
    }
  }

  /// From [-1, 1] to the mean and deviation of the pictures that the VGG was trained on, as a 1×1 convolution.
  private static func standardized(_ x: Tensor) -> Tensor {
    let (shift, scale): ([Float], [Float]) = ([-0.030, -0.088, -0.188], [0.458, 0.448, 0.450])
    let weight = (0..<9).map { $0 % 4 == 0 ? 1 / scale[$0 / 4] : 0 }
    return conv2D(
      x, weight: Tensor(weight, shape: [3, 3, 1, 1]),
      bias: Tensor(zip(shift, scale).map { -$0 / $1 }, shape: [3]), padding: .all(0))
  }
}
