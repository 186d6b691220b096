import ArgumentParser
import Models
import Pipelines

/// Options of every command that an autoencoder takes part in.
struct TilingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Let pictures through an autoencoder in tiles of so many pixels a side; 0 for never.",
      discussion: "By default pictures of more than 1024x1024 pixels go through in tiles of 512.",
      valueName: "pixels"))
  var tileSize: Int?

  /// - Parameter config: the autoencoder's; nil where there is none, which leaves nothing to tile.
  /// - Throws: `Failure` for a side that cannot be.
  func tiles(_ config: AutoencoderKLConfig?) throws -> TilingChoice {
    guard let side = tileSize else { return .automatic }
    guard let config else { throw Failure("--tile-size goes with models that have an autoencoder.") }
    if side == 0 { return .never }
    let multiple = config.downsampling
    // A quarter of a tile overlaps the next, and a quarter must be some latents.
    guard side % multiple == 0, (4 * multiple...8192).contains(side) else {
      throw Failure(
        "--tile-size \(side) must be a multiple of \(multiple), from \(4 * multiple) to 8192, or 0 for never."
      )
    }
    return .side(side)
  }
}

extension TilingChoice {
  /// Tiles of which so many that each is worth telling of: overlaps are computed twice, and small tiles overlap most.
  private static let many = 64

  /// Says beforehand that pictures will go through in many tiles.
  func announce(_ config: AutoencoderKLConfig, size: (height: Int, width: Int), count: Int) {
    guard let side = side(height: size.height, width: size.width, multiple: config.downsampling) else {
      return
    }
    // A quarter of each tile overlaps the next.
    let step = side * 3 / 4
    let tiles = ((size.height + step - 1) / step) * ((size.width + step - 1) / step) * count
    guard tiles > Self.many else { return }
    Console.note(
      "\(count.counted("picture")) of \(size.width)x\(size.height) in \(tiles) tiles of \(side)x\(side); larger ones "
        + "(--tile-size) take more memory and less time")
  }
}
