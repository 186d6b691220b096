/// Means and variances that the group normalisations of a network's passes over the tiles of a picture have in common,
/// so that every tile is normalised as a part of the whole.
///
/// With statistics of their own, tiles come out in shades of their own. Those of the whole would have to be taken layer by
/// layer over the whole, which is the memory that tiles are there to save. So tiles are passed in rounds: in the first each
/// is normalised by the sums over all tiles up to it, in the next by what the round before came to. Since a layer's
/// statistics follow from those of the layers before it, each round is nearer to the whole.
final class SharedStatistics {
  /// What one normalisation has seen, for each of N·groups.
  private struct Pool {
    var count = 0.0
    var sums: [Double]
    var squares: [Double]
  }

  /// Those of the pass that the calling thread is in.
  static var current: SharedStatistics? {
    get { threadStatistics.value }
    set { threadStatistics.value = newValue }
  }

  private static let threadStatistics = ThreadLocal<SharedStatistics>()

  private var seen: [Pool] = []
  /// Of the round before; empty in the first.
  private var known: [Pool] = []
  private var next = 0
  /// The part of the tile that is gathered; nil where none is.
  private var core: TileCore?

  /// Nothing seen yet.
  init() {}

  /// Runs a network over one tile of a round and adds the statistics of its core to those of the tiles before it.
  func gather<R>(_ core: TileCore, _ body: () -> R) -> R { run(core, body) }

  /// Ends a round: what was gathered is what tiles are normalised by from now on.
  func settle() { (known, seen) = (seen, []) }

  /// Runs a network over one tile with the statistics of the round before.
  func apply<R>(_ body: () -> R) -> R { run(nil, body) }

  private func run<R>(_ core: TileCore?, _ body: () -> R) -> R {
    let outer = Self.current
    (Self.current, next, self.core) = (self, 0, core)
    defer { Self.current = outer }
    return withoutGradients(body)
  }

  /// The statistics that the next normalisation of the pass is to use.
  ///
  /// - Parameter x: what it is to normalise.
  func statistics(of norm: GroupNorm, _ x: Tensor) -> GroupNorm.Statistics {
    let index = next
    next += 1
    if let core { add(norm, core.part(of: x), at: index) }
    let pools = known.isEmpty ? seen : known
    precondition(index < pools.count, "statistics of \(pools.count) normalisations for a pass with more")
    let (pool, size) = (pools[index], norm.n * norm.groups)
    precondition(pool.sums.count == size, "statistics of another batch or another network")
    let shared = GroupNorm.Statistics(mean: Storage(count: size), rstd: Storage(count: size))
    for i in 0..<size {
      let mean = pool.sums[i] / pool.count
      let variance = max(0, pool.squares[i] / pool.count - mean * mean)
      shared.mean.pointer[i] = Float(mean)
      shared.rstd.pointer[i] = Float(1 / (variance + Double(norm.epsilon)).squareRoot())
    }
    return shared
  }

  private func add(_ whole: GroupNorm, _ part: Tensor, at index: Int) {
    if part.count == 0 { return }
    let norm = whole.over(part)
    let tile = norm.measured(part)
    let size = norm.n * norm.groups
    if index == seen.count {
      seen.append(Pool(sums: Array(repeating: 0, count: size), squares: Array(repeating: 0, count: size)))
    }
    let count = Double(norm.pixels * norm.groupSize)
    seen[index].count += count
    for i in 0..<size {
      let (mean, rstd) = (Double(tile.mean.pointer[i]), Double(tile.rstd.pointer[i]))
      seen[index].sums[i] += count * mean
      seen[index].squares[i] += count * (1 / (rstd * rstd) - Double(norm.epsilon) + mean * mean)
    }
  }
}
