/// A map over a picture that is computed tile by tile, in memory that does not grow with the picture, with overlapping
/// tiles faded into each other.
public struct Tiling: Sendable {
  /// Side of a tile of what goes in.
  public let tile: Int
  /// Distance from one tile of what goes in to the next.
  let step: Int
  /// Rows and columns of what comes out that a tile has in common with the next.
  let overlap: Int
  /// How many of them are left to one tile alone at either end, where the other's border is near.
  let margin: Int
  /// Rows and columns of what comes out that are kept of a tile which another follows.
  let outputStep: Int
  /// Whether there are no tiles but those that something is left for.
  let endsWithThePicture: Bool

  /// Tiles that overlap by a quarter and fade over the middle fifth of that, so that no value near a border is taken.
  ///
  /// - Parameters:
  ///   - input: side of a tile of what goes in.
  ///   - output: side of what it becomes.
  public init(input: Int, output: Int) {
    self.init(input: input, output: output, margin: 0.4, endsWithThePicture: true)
  }

  /// As diffusers' autoencoders do it: fading over the whole overlap, and with a last narrow tile where the one before
  /// has reached the end already.
  public static func diffusers(input: Int, output: Int) -> Tiling {
    Tiling(input: input, output: output, margin: 0, endsWithThePicture: false)
  }

  private init(input: Int, output: Int, margin: Double, endsWithThePicture: Bool) {
    precondition(input > 0 && output > 0, "tiles of \(input) to \(output)")
    tile = input
    step = max(1, input * 3 / 4)
    overlap = output / 4
    outputStep = output - overlap
    self.margin = Int(Double(overlap) * margin)
    self.endsWithThePicture = endsWithThePicture
  }

  /// `map` of the whole of `x`, `[N, C, H, W]`, off the tape.
  ///
  /// - Parameter map: what a tile becomes, `[N, C', h', w']`; as many times as large for every tile.
  public func callAsFunction(_ x: Tensor, _ map: (Tensor) -> Tensor) -> Tensor {
    let (_, _, height, width) = x.shape4
    let x = x.ordered(.plain)
    let (rows, columns) = (ranges(height), ranges(width))
    var bands: [Tensor] = []
    var above: [Tensor] = []
    for (i, band) in rows.enumerated() {
      var row: [Tensor] = []
      for (j, column) in columns.enumerated() {
        let mapped = map(x.cropped(rows: band, columns: column))
        // A fresh tensor that nothing else refers to, so it may still be written.
        let own = mapped.cropped(rows: 0..<mapped.shape[2], columns: 0..<mapped.shape[3])
        if i > 0 { own.fadeRows(from: above[j], self) }
        if j > 0 { own.fadeColumns(from: row[j - 1], self) }
        row.append(own)
      }
      bands.append(
        .beside(
          row.enumerated().map { j, tile in
            tile.cropped(
              rows: outputStep(tile.shape[2], isLast: i == rows.count - 1),
              columns: outputStep(tile.shape[3], isLast: j == columns.count - 1))
          }))
      above = row
    }
    return .below(bands)
  }

  /// As above, with the statistics of group normalisations in `map` those of the whole, as well as `rounds` over all
  /// tiles can tell them.
  public func callAsFunction(_ x: Tensor, rounds: Int, _ map: (Tensor) -> Tensor) -> Tensor {
    let statistics = SharedStatistics()
    for _ in 0..<max(1, rounds) {
      forEachTile(of: x) { tile, core in _ = statistics.gather(core) { map(tile) } }
      statistics.settle()
    }
    return self(x) { tile in statistics.apply { map(tile) } }
  }

  /// Where tiles lie along one direction.
  private func ranges(_ size: Int) -> [Range<Int>] {
    stride(from: 0, to: size, by: step).filter { !endsWithThePicture || $0 == 0 || $0 + tile - step < size }
      .map { $0..<min(size, $0 + tile) }
  }

  private func outputStep(_ size: Int, isLast: Bool) -> Range<Int> {
    0..<(endsWithThePicture && isLast ? size : min(outputStep, size))
  }

  /// How much of place `i` of `extent` that two tiles have in common is the later one's.
  fileprivate func share(_ i: Int, of extent: Int) -> Float {
    let margin = min(margin, (extent - 1) / 2)
    return max(0, min(1, Float(i - margin) / Float(extent - 2 * margin)))
  }
}

/// The part of a tile that lies in no other tile's core: between them, cores are the whole picture. What surrounds one is
/// there so that convolutions see what they would see in the whole.
struct TileCore {
  /// Where it begins and ends, as parts of the tile's height and width.
  let rows: ClosedRange<Double>, columns: ClosedRange<Double>

  /// The core of a map of the tile, at whatever resolution.
  func part(of x: Tensor) -> Tensor {
    func scaled(_ range: ClosedRange<Double>, _ size: Int) -> Range<Int> {
      let lower = Int((range.lowerBound * Double(size)).rounded())
      return lower..<max(lower, Int((range.upperBound * Double(size)).rounded()))
    }
    return x.cropped(rows: scaled(rows, x.shape[2]), columns: scaled(columns, x.shape[3]))
  }
}

extension Tiling {
  /// Calls `body` with every tile of `x`, row by row.
  func forEachTile(of x: Tensor, _ body: (_ tile: Tensor, _ core: TileCore) -> Void) {
    let (_, _, height, width) = x.shape4
    for (rows, rowCore) in cores(height) {
      for (columns, columnCore) in cores(width) {
        body(x.cropped(rows: rows, columns: columns), TileCore(rows: rowCore, columns: columnCore))
      }
    }
  }

  /// The tiles along one direction with their cores: half of each overlap.
  private func cores(_ size: Int) -> [(tile: Range<Int>, core: ClosedRange<Double>)] {
    let half = (tile - step) / 2
    return ranges(size).map { range in
      let begin = range.lowerBound == 0 ? 0 : half
      let end = range.upperBound == size ? range.count : step + half
      return (range, Double(begin) / Double(range.count)...Double(end) / Double(range.count))
    }
  }
}

extension Tensor {
  /// Some rows and columns of a feature map, `[N, C, rows, columns]`, off the tape.
  public func cropped(rows: Range<Int>, columns: Range<Int>) -> Tensor {
    let (n, c, h, w) = shape4
    precondition(rows.upperBound <= h && columns.upperBound <= w, "\(rows) × \(columns) of \(shape)")
    let plain = ordered(.plain)
    let part = Tensor(uninitialized: [n, c, rows.count, columns.count])
    parallelFor(n * c) { plane in
      for (i, row) in rows.enumerated() {
        let from = plain.pointer + (plane * h + row) * w + columns.lowerBound
        (part.pointer + (plane * rows.count + i) * columns.count).update(from: from, count: columns.count)
      }
    }
    return part
  }

  /// Fades this tile's first rows in from the last ones of the tile above.
  fileprivate func fadeRows(from above: Tensor, _ tiling: Tiling) {
    let (n, c, h, w) = shape4
    let other = above.shape[2]
    let extent = min(tiling.overlap, min(h, other))
    parallelFor(n * c) { plane in
      for y in 0..<extent {
        let part = tiling.share(y, of: extent)
        let from = above.pointer + (plane * other + other - extent + y) * w
        let to = pointer + (plane * h + y) * w
        for x in 0..<w { to[x] = from[x] * (1 - part) + to[x] * part }
      }
    }
  }

  /// Fades this tile's first columns in from the last ones of the tile to the left.
  fileprivate func fadeColumns(from left: Tensor, _ tiling: Tiling) {
    let (n, c, h, w) = shape4
    let other = left.shape[3]
    let extent = min(tiling.overlap, min(w, other))
    parallelFor(n * c) { plane in
      for y in 0..<h {
        let from = left.pointer + (plane * h + y) * other + other - extent
        let to = pointer + (plane * h + y) * w
        for x in 0..<extent {
          let part = tiling.share(x, of: extent)
          to[x] = from[x] * (1 - part) + to[x] * part
        }
      }
    }
  }

  /// Feature maps of one height side by side.
  fileprivate static func beside(_ parts: [Tensor]) -> Tensor {
    let (n, c, h, _) = parts[0].shape4
    let width = parts.reduce(0) { $0 + $1.shape[3] }
    let whole = Tensor(uninitialized: [n, c, h, width])
    var at = 0
    for part in parts {
      let w = part.shape[3]
      for row in 0..<n * c * h {
        (whole.pointer + row * width + at).update(from: part.pointer + row * w, count: w)
      }
      at += w
    }
    return whole
  }

  /// Feature maps of one width, one below the other.
  fileprivate static func below(_ parts: [Tensor]) -> Tensor {
    let (n, c, _, w) = parts[0].shape4
    let height = parts.reduce(0) { $0 + $1.shape[2] }
    let whole = Tensor(uninitialized: [n, c, height, w])
    var at = 0
    for part in parts {
      let size = part.shape[2] * w
      for plane in 0..<n * c {
        (whole.pointer + plane * height * w + at).update(from: part.pointer + plane * size, count: size)
      }
      at += size
    }
    return whole
  }
}
