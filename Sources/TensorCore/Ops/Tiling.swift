/// A map over a picture that is computed tile by tile, in memory that does not grow with the picture, with overlapping
/// tiles blended into each other: diffusers' tiling of an autoencoder.
public struct Tiling: Sendable {
  /// Side of a tile of what goes in.
  public let tile: Int
  /// Distance from one tile of what goes in to the next.
  let step: Int
  /// Rows and columns of what comes out over which a tile fades into the next.
  let blend: Int
  /// Rows and columns of what comes out that are kept of a tile.
  let kept: Int

  /// - Parameters:
  ///   - input: side of a tile of what goes in.
  ///   - output: side of what it becomes.
  ///   - overlap: the part of a tile that the next one covers again, in 0 ..< 1.
  public init(input: Int, output: Int, overlap: Double = 0.25) {
    precondition(input > 0 && output > 0 && (0..<1).contains(overlap), "tiles of \(input) to \(output)")
    tile = input
    step = max(1, Int(Double(input) * (1 - overlap)))
    blend = Int(Double(output) * overlap)
    kept = output - blend
  }

  /// `map` of the whole of `x`, `[N, C, H, W]`, off the tape.
  ///
  /// - Parameter map: what a tile becomes, `[N, C', h', w']`; as many times as large for every tile.
  public func callAsFunction(_ x: Tensor, _ map: (Tensor) -> Tensor) -> Tensor {
    let (_, _, height, width) = x.shape4
    let x = x.ordered(.plain)
    let (rows, columns) = (
      Array(stride(from: 0, to: height, by: step)), Array(stride(from: 0, to: width, by: step))
    )
    var bands: [Tensor] = []
    var above: [Tensor] = []
    for top in rows {
      var row: [Tensor] = []
      for (j, left) in columns.enumerated() {
        let tile = map(
          x.cropped(rows: top..<min(height, top + tile), columns: left..<min(width, left + tile))
        ).ordered(.plain)
        // A fresh tensor that nothing else refers to, so it may still be written.
        let own = tile.cropped(rows: 0..<tile.shape[2], columns: 0..<tile.shape[3])
        if top > 0 { own.fadeRows(from: above[j], blend) }
        if j > 0 { own.fadeColumns(from: row[j - 1], blend) }
        row.append(own)
      }
      bands.append(
        .beside(row.map { $0.cropped(rows: 0..<min(kept, $0.shape[2]), columns: 0..<min(kept, $0.shape[3])) })
      )
      above = row
    }
    return .below(bands)
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
  fileprivate func fadeRows(from above: Tensor, _ most: Int) {
    let (n, c, h, w) = shape4
    let other = above.shape[2]
    let extent = min(most, min(h, other))
    parallelFor(n * c) { plane in
      for y in 0..<extent {
        let part = Float(y) / Float(extent)
        let from = above.pointer + (plane * other + other - extent + y) * w
        let to = pointer + (plane * h + y) * w
        for x in 0..<w { to[x] = from[x] * (1 - part) + to[x] * part }
      }
    }
  }

  /// Fades this tile's first columns in from the last ones of the tile to the left.
  fileprivate func fadeColumns(from left: Tensor, _ most: Int) {
    let (n, c, h, w) = shape4
    let other = left.shape[3]
    let extent = min(most, min(w, other))
    parallelFor(n * c) { plane in
      for y in 0..<h {
        let from = left.pointer + (plane * h + y) * other + other - extent
        let to = pointer + (plane * h + y) * w
        for x in 0..<extent {
          let part = Float(x) / Float(extent)
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
