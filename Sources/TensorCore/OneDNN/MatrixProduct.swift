import CKernels
import COneDNN

/// Matrix products, by the `matmul` primitive: its result for a row does not depend on how many rows there are, which
/// `dnnl_sgemm`'s does.
enum MatrixProduct {
  struct Key: Hashable {
    let m: Int, k: Int, n: Int
    let transposeA: Bool, transposeB: Bool, bias: Bool
    let threads: Int  // oneDNN plans the division of the work when it compiles
  }

  // Used on the thread that runs the model; see `Tape.current`.
  nonisolated(unsafe) private static var cache: [Key: Primitive] = [:]

  /// One of several results that are made of the same left operands: activation(Σ op(aᵢ)·op(bᵢ) + bias).
  struct Result {
    let b: [Tensor]
    var bias: Tensor?
    let y: Tensor
  }

  /// y[m, n] = activation(op(a)·op(b) + bias), where op(a) is [m, k] and op(b) [k, n]; all dense and row-major.
  ///
  /// - Parameter keepingB: whether what is made ready of `b` stays beside it, since it will be used again.
  static func run(
    _ a: Tensor, transposeA: Bool = false, _ b: Tensor, into y: Tensor, m: Int, k: Int, n: Int,
    keepingB: Bool = false
  ) {
    run([a], transposeA: transposeA, into: [Result(b: [b], y: y)], m: m, k: k, n: n, keepingB: keepingB)
  }

  /// Each result's sum over all left operands, which are made ready once.
  static func run(
    _ a: [Tensor], transposeA: Bool = false, transposeB: Bool = false, activation: Activation = .identity,
    into results: [Result], m: Int, k: Int, n: Int, keepingB: Bool = false
  ) {
    if Tiles.suit(terms: k), n >= 16 {
      let layout = RightLayout(
        k: k, columns: n, kStride: transposeB ? 1 : n, columnStride: transposeB ? k : 1)
      return TileMatrixProduct(a: a, transposeA: transposeA, m: m, k: k, n: n, activation: activation).run(
        results.map { result in
          .init(
            right: result.b.map { keepingB ? layout.kept($0) : layout.pack($0) }, bias: result.bias,
            y: result.y)
        })
    }
    for result in results {
      let y = result.y
      for i in a.indices {
        let part = i == 0 ? y : Tensor(uninitialized: y.shape)
        byOneDNN(
          a[i], transposeA: transposeA, result.b[i], transposeB: transposeB, bias: i == 0 ? result.bias : nil,
          into: part, m: m, k: k, n: n)
        if i > 0 {
          parallelRuns(y.count) { run in
            let at = y.pointer + run.lowerBound
            dk_add(at, part.pointer + run.lowerBound, at, run.count)
          }
        }
      }
      if activation != .identity {
        parallelRuns(y.count) { run in
          let at = y.pointer + run.lowerBound
          dk_activate(at, at, run.count, activation.kernel)
        }
      }
    }
  }

  private static func byOneDNN(
    _ a: Tensor, transposeA: Bool, _ b: Tensor, transposeB: Bool, bias: Tensor?, into y: Tensor,
    m: Int, k: Int, n: Int
  ) {
    let key = Key(
      m: m, k: k, n: n, transposeA: transposeA, transposeB: transposeB, bias: bias != nil,
      threads: threadCount)
    let layouts = (
      a: Layout([m, k], strides: transposeA ? [1, m] : [k, 1]),
      b: Layout([k, n], strides: transposeB ? [1, k] : [n, 1]),
      bias: Layout([1, n], strides: [n, 1]), y: Layout([m, n], strides: [n, 1])
    )
    let primitive = cache[key] ?? make(layouts.a, layouts.b, bias == nil ? nil : layouts.bias, layouts.y)
    cache[key] = primitive
    var arguments = [
      Primitive.Argument(index: DNNL_ARG_SRC, layout: layouts.a, pointer: a.pointer),
      Primitive.Argument(index: DNNL_ARG_WEIGHTS, layout: layouts.b, pointer: b.pointer),
      Primitive.Argument(index: DNNL_ARG_DST, layout: layouts.y, pointer: y.pointer),
    ]
    if let bias {
      arguments.append(Primitive.Argument(index: DNNL_ARG_BIAS, layout: layouts.bias, pointer: bias.pointer))
    }
    // The primitive knows pointers alone; what they point into must not go back to the pool meanwhile.
    withExtendedLifetime((a, b, bias, y)) { primitive.execute(arguments) }
  }

  private static func make(_ a: Layout, _ b: Layout, _ bias: Layout?, _ y: Layout) -> Primitive {
    var (a, b, y) = (a, b, y)
    var d = dnnl_matmul_desc_t()
    if var bias {
      Engine.check(dnnl_matmul_desc_init(&d, &a.md, &b.md, &bias.md, &y.md), "describe a matrix product")
    } else {
      Engine.check(dnnl_matmul_desc_init(&d, &a.md, &b.md, nil, &y.md), "describe a matrix product")
    }
    guard let made = Primitive(&d) else { fatalError("oneDNN has no matrix product for these shapes") }
    return made
  }

  /// y = alpha·op(a)·op(b) + beta·y with rows at the given distances: one head's slice of a larger matrix. Called from
  /// inside `parallelFor`, it computes on the calling thread.
  static func strided(
    _ a: UnsafePointer<Float>, rowStride lda: Int, transposeA: Bool = false, _ b: UnsafePointer<Float>,
    rowStride ldb: Int, transposeB: Bool = false, _ y: UnsafeMutablePointer<Float>, rowStride ldy: Int,
    m: Int, k: Int, n: Int, alpha: Float = 1, beta: Float = 0
  ) {
    func letter(_ transpose: Bool) -> CChar { CChar(UInt8(ascii: transpose ? "T" : "N")) }
    Engine.check(
      dnnl_sgemm(
        letter(transposeA), letter(transposeB), dnnl_dim_t(m), dnnl_dim_t(n), dnnl_dim_t(k), alpha, a,
        dnnl_dim_t(lda), b, dnnl_dim_t(ldb), beta, y, dnnl_dim_t(ldy)), "multiply matrices")
  }
}
