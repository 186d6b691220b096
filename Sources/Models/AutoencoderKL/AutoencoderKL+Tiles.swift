import TensorCore

/// How tiles are normalised.
public enum TileNormalization: Sendable {
  /// As parts of the picture, which gives nearly what the whole would; each of the rounds that find its statistics takes as
  /// long as the result itself. Three brought a picture of 64×64 latents from 29/255 to within 1/255 of the whole.
  case ofPicture(rounds: Int)
  /// Each by itself, as diffusers' tiling does it: fast, but every tile has a shade of its own.
  case ofTile

  /// Three rounds.
  public static let ofPicture = TileNormalization.ofPicture(rounds: 3)
}

// Off the tape, and in memory that grows with the picture by no more than its latents and the result.
extension AutoencoderKL {
  /// Encodes tile by tile.
  ///
  /// - Parameters:
  ///   - x: `[N, in_channels, H, W]` in [-1, 1]; H and W multiples of `config.downsampling`.
  ///   - tile: side of a tile in pixels, a multiple of `config.downsampling`.
  public func encode(_ x: Tensor, tile: Int, normalization: TileNormalization = .ofPicture)
    -> DiagonalGaussian
  {
    let sides = (input: tile, output: tile / config.downsampling)
    return withoutGradients {
      switch normalization {
      case .ofTile:
        return DiagonalGaussian(
          moments: Tiling.diffusers(input: sides.input, output: sides.output)(x, moments))
      case .ofPicture(let rounds):
        let tiling = Tiling(input: sides.input, output: sides.output)
        guard isWholeAtLatents(x.shape[2] / config.downsampling, x.shape[3] / config.downsampling) else {
          return DiagonalGaussian(moments: tiling(x, rounds: rounds, moments))
        }
        let h = tiling(x, rounds: rounds, encoder.pixels)
        return DiagonalGaussian(moments: quantized(encoder.end(h)))
      }
    }
  }

  /// Decodes tile by tile.
  ///
  /// - Parameters:
  ///   - z: `[N, latent_channels, H', W']`, no longer scaled.
  ///   - tile: side of a tile in pixels, a multiple of `config.downsampling`.
  public func decode(_ z: Tensor, tile: Int, normalization: TileNormalization = .ofPicture) -> Tensor {
    let sides = (input: tile / config.downsampling, output: tile)
    return withoutGradients {
      switch normalization {
      case .ofTile: return Tiling.diffusers(input: sides.input, output: sides.output)(z, decode)
      case .ofPicture(let rounds):
        let tiling = Tiling(input: sides.input, output: sides.output)
        guard isWholeAtLatents(z.shape[2], z.shape[3]) else { return tiling(z, rounds: rounds, decode) }
        return tiling(decoder.begin(unquantized(z)), rounds: rounds, decoder.pixels)
      }
    }
  }

  /// Whether what is computed at the latents' resolution is computed for the whole picture. It takes little memory, but
  /// attention's time grows with the square of the latents, so beyond 256×256 of them it is left to the tiles.
  private func isWholeAtLatents(_ height: Int, _ width: Int) -> Bool {
    !config.midBlockAddAttention || height * width <= 1 << 16
  }
}
