/// A fixed point x = g(x) by Anderson's mixing (Walker & Ni 2011, "Anderson acceleration for fixed-point iterations"): of the
/// last few iterates, that combination whose residual would be smallest if g were linear.
struct FixedPoint {
  /// How many earlier iterates are looked at.
  var memory = 4
  /// The most times that g is asked.
  let iterations: Int
  /// The largest residual, of any value, that is good enough.
  let tolerance: Float

  /// What was found.
  struct Found {
    let x: [Float]
    /// The largest magnitude of g(x) − x.
    let residual: Float
  }

  /// - Parameters:
  ///   - start: the first guess.
  ///   - residual: g(x) − x.
  /// - Returns: the iterate of the smallest residual.
  func callAsFunction(from start: [Float], residual: ([Float]) -> [Float]) -> Found {
    var x = start
    var best = Found(x: start, residual: .infinity)
    var (last, moves, changes): ((x: [Float], r: [Float])?, [[Float]], [[Float]]) = (nil, [], [])
    for _ in 0..<iterations {
      let r = residual(x)
      let most = r.reduce(0) { max($0, abs($1)) }
      // What is not a number is less than nothing, and ends the search as well.
      guard most.isFinite else { break }
      if most < best.residual { best = Found(x: x, residual: most) }
      if most <= tolerance { break }
      if let last {
        moves.append(Self.difference(x, last.x))
        changes.append(Self.difference(r, last.r))
        if moves.count > memory { (moves, changes) = (Array(moves.dropFirst()), Array(changes.dropFirst())) }
      }
      last = (x, r)
      let shares = Self.leastSquares(changes, r)
      for i in x.indices {
        var value = x[i] + r[i]
        for (k, share) in shares.enumerated() { value -= share * (moves[k][i] + changes[k][i]) }
        x[i] = value
      }
    }
    return best
  }

  private static func difference(_ a: [Float], _ b: [Float]) -> [Float] { zip(a, b).map { $0 - $1 } }

  /// The shares γ that make ‖r − Σ γₖ·columnsₖ‖ smallest, by its normal equations; a little is added to their diagonal, so
  /// that columns that nearly agree do no harm.
  private static func leastSquares(_ columns: [[Float]], _ r: [Float]) -> [Float] {
    func dot(_ a: [Float], _ b: [Float]) -> Double {
      zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let count = columns.count
    var matrix = columns.map { a in columns.map { dot(a, $0) } + [dot(a, r)] }
    for i in 0..<count { matrix[i][i] = matrix[i][i] * (1 + 1e-8) + 1e-30 }
    for i in 0..<count {
      for j in 0..<count where j != i {
        let factor = matrix[j][i] / matrix[i][i]
        for k in i...count { matrix[j][k] -= factor * matrix[i][k] }
      }
    }
    return (0..<count).map { Float(matrix[$0][count] / matrix[$0][$0]) }
  }
}
