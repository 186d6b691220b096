import Models
import TensorCore

/// When pictures go through an autoencoder in tiles.
public enum TilingChoice: Sendable, Equatable {
  /// Where a picture has more than 1024×1024 pixels, in tiles of 512×512.
  case automatic
  /// Where a side is longer than a tile's, which is this.
  case side(Int)
  /// Never.
  case never

  /// The side of a tile for a picture, or nil where it goes through whole.
  ///
  /// - Parameter multiple: what the side must be a multiple of.
  public func side(height: Int, width: Int, multiple: Int) -> Int? {
    switch self {
    case .never: nil
    case .automatic: height * width > 1 << 20 ? max(4, 512 / multiple) * multiple : nil
    case .side(let side): max(height, width) > side ? side : nil
    }
  }
}

/// The latents of an autoencoder (Rombach et al. 2022), shifted and scaled as a denoiser sees them.
public struct LatentSpace {
  /// The network.
  public let autoencoder: AutoencoderKL
  let batchSize: Int
  let tiles: TilingChoice

  /// - Parameters:
  ///   - batchSize: the most pictures that are in memory at a time; the result does not depend on it.
  ///   - tiles: when pictures go through in tiles.
  public init(_ autoencoder: AutoencoderKL, batchSize: Int = 16, tiles: TilingChoice = .automatic) {
    (self.autoencoder, self.batchSize, self.tiles) = (autoencoder, batchSize, tiles)
  }

  /// Pictures of scaled latents.
  public func decoded(_ x: Tensor) -> Tensor {
    let factor = autoencoder.config.downsampling
    let (height, width) = (x.shape[2] * factor, x.shape[3] * factor)
    return inParts(x, height: height, width: width) { part, tile in
      let z = autoencoder.unscaled(part)
      return tile.map { autoencoder.decode(z, tile: $0) } ?? autoencoder.decode(z)
    }
  }

  /// Scaled latents of pictures: the means of their distributions.
  public func encoded(_ images: Tensor) -> Tensor {
    inParts(images, height: images.shape[2], width: images.shape[3]) { part, tile in
      autoencoder.scaled(posterior(part, tile).mean)
    }
  }

  /// The distribution of latents, not yet scaled, of pictures that are in memory at one time.
  public func posterior(_ images: Tensor) -> DiagonalGaussian {
    withoutGradients { posterior(images, side(height: images.shape[2], width: images.shape[3])) }
  }

  private func posterior(_ images: Tensor, _ tile: Int?) -> DiagonalGaussian {
    tile.map { autoencoder.encode(images, tile: $0) } ?? autoencoder.encode(images)
  }

  private func side(height: Int, width: Int) -> Int? {
    tiles.side(height: height, width: width, multiple: autoencoder.config.downsampling)
  }

  /// Feature maps at full resolution are an autoencoder's memory, so few large pictures go through at a time.
  private func inParts(
    _ x: Tensor, height: Int, width: Int, _ body: (_ part: Tensor, _ tile: Int?) -> Tensor
  ) -> Tensor {
    let tile = side(height: height, width: width)
    let pixels = tile.map { $0 * $0 } ?? height * width
    let size = max(1, min(batchSize, (1 << 18) / pixels))
    return withoutGradients {
      let parts = stride(from: 0, to: x.shape[0], by: size).map { first in
        body(x.rows(first..<min(first + size, x.shape[0])), tile)
      }
      return parts.count == 1 ? parts[0] : .stacked(parts)
    }
  }
}
