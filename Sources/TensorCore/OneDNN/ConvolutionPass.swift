import COneDNN

/// Zero padding of a convolution, in pixels.
public struct Padding: Sendable, Hashable {
  /// Rows above and below, columns left and right.
  public var top: Int, left: Int, bottom: Int, right: Int

  /// Padding that may differ by side.
  public init(top: Int, left: Int, bottom: Int, right: Int) {
    (self.top, self.left, self.bottom, self.right) = (top, left, bottom, right)
  }

  /// The same on all sides.
  public static func all(_ p: Int) -> Padding { Padding(top: p, left: p, bottom: p, right: p) }
}

/// Everything that a convolution's machine code depends on.
struct ConvolutionShape: Hashable {
  var n: Int, c: Int, h: Int, w: Int
  var o: Int, kh: Int, kw: Int
  var stride: Int, padding: Padding

  var outH: Int { (h + padding.top + padding.bottom - kh) / stride + 1 }
  var outW: Int { (w + padding.left + padding.right - kw) / stride + 1 }
  var source: [Int] { [n, c, h, w] }
  var weights: [Int] { [o, c, kh, kw] }
  var target: [Int] { [n, o, outH, outW] }

  func with(batch: Int) -> ConvolutionShape {
    var copy = self
    copy.n = batch
    return copy
  }
}

/// What a convolution primitive computes.
enum ConvolutionPass: Hashable {
  case forward(bias: Bool, training: Bool)
  case backwardData
  case backwardWeights(bias: Bool)
}

/// A compiled convolution pass, and the memory orders of the feature maps that it reads and writes.
///
/// Winograd's algorithm is asked for first: for 3×3 at stride 1 it does the work of direct convolution in under half
/// the time, at an error of 1e-6. It exists for AVX-512 alone. Then direct code in the orders that oneDNN has fast
/// code for, and last whatever it has.
final class Convolution {
  let shape: ConvolutionShape
  let primitive: Primitive
  let sourceOrder: MemoryOrder
  let targetOrder: MemoryOrder
  let weightsLayout: Layout

  var isWinograd: Bool { primitive.implementation.contains("wino") }

  private struct Key: Hashable {
    let shape: ConvolutionShape
    let pass: ConvolutionPass
    let threads: Int  // oneDNN plans the division of the work when it compiles
    let winograd: Bool
  }

  // Used on the thread that runs the model; see `Tape.current`.
  nonisolated(unsafe) private static var cache: [Key: Convolution] = [:]

  /// - Parameter winograd: whether Winograd's algorithm may be used.
  static func cached(_ shape: ConvolutionShape, _ pass: ConvolutionPass, winograd: Bool = true) -> Convolution
  {
    let key = Key(shape: shape, pass: pass, threads: threadCount, winograd: winograd)
    if let kept = cache[key] { return kept }
    let made = Convolution(shape, pass, winograd: winograd)
    cache[key] = made
    return made
  }

  private struct Candidate {
    let algorithm: dnnl_alg_kind_t
    let source: (order: MemoryOrder, tag: dnnl_format_tag_t)
    let target: (order: MemoryOrder, tag: dnnl_format_tag_t)
    let accept: (String) -> Bool
  }

  private static func candidates(_ s: ConvolutionShape, winograd: Bool) -> [Candidate] {
    let plain = (MemoryOrder.plain, dnnl_abcd)
    let block = MemoryOrder.vectorBlock
    let blocked = (MemoryOrder(channelBlock: block), block == 16 ? dnnl_aBcd16b : dnnl_aBcd8b)
    func last(_ channels: Int) -> (MemoryOrder, dnnl_format_tag_t) { (.channelsLast(channels), dnnl_acdb) }
    let fast = { (name: String) in !name.contains("ref") && !name.contains("gemm") }
    let direct = dnnl_convolution_direct
    var list: [Candidate] = []
    let sourceFits = s.c % block == 0
    let targetFits = s.o % block == 0
    if sourceFits && targetFits {
      if winograd && s.kh == 3 && s.kw == 3 && s.stride == 1 {
        // F(4×4, 3×3) before F(2×2, 3×3): it has fewer products, and fills them with several images where maps are small.
        for name in ["wino_4x3", "wino"] {
          list.append(
            Candidate(
              algorithm: dnnl_convolution_winograd, source: blocked, target: blocked,
              accept: { $0.contains(name) }))
        }
      }
      list.append(Candidate(algorithm: direct, source: blocked, target: blocked, accept: fast))
    }
    if s.c <= 4 && targetFits {
      list.append(Candidate(algorithm: direct, source: plain, target: blocked, accept: fast))
    }
    list.append(Candidate(algorithm: direct, source: last(s.c), target: last(s.o), accept: fast))
    list.append(Candidate(algorithm: direct, source: plain, target: plain, accept: { !$0.contains("ref") }))
    list.append(Candidate(algorithm: direct, source: plain, target: plain, accept: { _ in true }))
    return list
  }

  private init(_ s: ConvolutionShape, _ pass: ConvolutionPass, winograd: Bool) {
    for candidate in Self.candidates(s, winograd: winograd) {
      let source = Layout(s.source, candidate.source.tag)
      let target = Layout(s.target, candidate.target.tag)
      guard
        let made = Self.primitive(s, pass, candidate.algorithm, source, target, accept: candidate.accept)
      else { continue }
      shape = s
      primitive = made
      sourceOrder = candidate.source.order
      targetOrder = candidate.target.order
      weightsLayout = made.layout(pass.isBackwardWeights ? dnnl_query_diff_weights_md : dnnl_query_weights_md)
      return
    }
    fatalError("oneDNN has no convolution for \(s)")
  }

  private static func primitive(
    _ s: ConvolutionShape, _ pass: ConvolutionPass, _ algorithm: dnnl_alg_kind_t, _ source: Layout,
    _ target: Layout, accept: (String) -> Bool
  ) -> Primitive? {
    var (source, target) = (source, target)
    var weights = Layout(s.weights, dnnl_format_tag_any)
    var bias = Layout([s.o], dnnl_a)
    let strides = [dnnl_dim_t(s.stride), dnnl_dim_t(s.stride)]
    let before = [dnnl_dim_t(s.padding.top), dnnl_dim_t(s.padding.left)]
    let after = [dnnl_dim_t(s.padding.bottom), dnnl_dim_t(s.padding.right)]
    func forward(_ kind: dnnl_prop_kind_t, bias hasBias: Bool) -> Primitive? {
      var d = dnnl_convolution_desc_t()
      let status = withUnsafePointer(to: &bias.md) { bias in
        dnnl_convolution_forward_desc_init(
          &d, kind, algorithm, &source.md, &weights.md, hasBias ? bias : nil, &target.md, strides, before,
          after)
      }
      guard status == dnnl_success else { return nil }
      // A backward pass accepts any forward as its hint; only the pass itself must be of the kind asked for.
      return Primitive(&d, accept: accept)
    }
    switch pass {
    case .forward(let hasBias, let training):
      return forward(training ? dnnl_forward_training : dnnl_forward_inference, bias: hasBias)
    case .backwardData:
      guard let hint = forward(dnnl_forward_training, bias: false) else { return nil }
      var d = dnnl_convolution_desc_t()
      let status = dnnl_convolution_backward_data_desc_init(
        &d, algorithm, &source.md, &weights.md, &target.md, strides, before, after)
      return status == dnnl_success ? Primitive(&d, hint: hint, accept: accept) : nil
    case .backwardWeights(let hasBias):
      guard let hint = forward(dnnl_forward_training, bias: hasBias) else { return nil }
      var d = dnnl_convolution_desc_t()
      let status = withUnsafePointer(to: &bias.md) { bias in
        dnnl_convolution_backward_weights_desc_init(
          &d, algorithm, &source.md, &weights.md, hasBias ? bias : nil, &target.md, strides, before, after)
      }
      return status == dnnl_success ? Primitive(&d, hint: hint, accept: accept) : nil
    }
  }

  /// The weights in the layout that this pass reads, kept beside them until they change.
  func packed(_ weight: Tensor) -> Storage { weight.storage.derived(for: self) { repacked(weight) } }

  /// The same, not kept: in training the weights change before they would be used again.
  func repacked(_ weight: Tensor) -> Storage {
    let packed = Storage(count: (weightsLayout.bytes + 3) / 4)
    Reorder.run(weight.pointer, Layout(shape.weights, dnnl_abcd), to: packed.pointer, weightsLayout)
    return packed
  }

  func argument(_ index: Int32, _ layout: Layout, _ pointer: UnsafeMutablePointer<Float>)
    -> Primitive.Argument
  {
    Primitive.Argument(index: index, layout: layout, pointer: pointer)
  }
}

extension ConvolutionPass {
  fileprivate var isBackwardWeights: Bool {
    if case .backwardWeights = self { return true }
    return false
  }
}

extension Convolution {
  /// target = source ∗ weight + bias; the pointers are to maps of `shape` in this pass's orders.
  func forward(
    _ source: UnsafeMutablePointer<Float>, _ weights: Storage, _ bias: Tensor?,
    _ target: UnsafeMutablePointer<Float>
  ) {
    var arguments = [
      argument(DNNL_ARG_SRC, primitive.layout(dnnl_query_src_md), source),
      argument(DNNL_ARG_WEIGHTS, weightsLayout, weights.pointer),
      argument(DNNL_ARG_DST, primitive.layout(dnnl_query_dst_md), target),
    ]
    if let bias { arguments.append(argument(DNNL_ARG_BIAS, Layout([shape.o], dnnl_a), bias.pointer)) }
    withExtendedLifetime((weights, bias)) { primitive.execute(arguments) }
  }

  func backwardData(_ dy: Tensor, _ weight: Tensor) -> Tensor {
    let dy = dy.ordered(targetOrder)
    let weights = repacked(weight)
    let dx = Tensor(uninitialized: shape.source, order: sourceOrder)
    // The primitive knows pointers alone; what they point into must not go back to the pool meanwhile.
    withExtendedLifetime((dy, weights)) {
      primitive.execute([
        argument(DNNL_ARG_DIFF_DST, primitive.layout(dnnl_query_diff_dst_md), dy.pointer),
        argument(DNNL_ARG_WEIGHTS, weightsLayout, weights.pointer),
        argument(DNNL_ARG_DIFF_SRC, primitive.layout(dnnl_query_diff_src_md), dx.pointer),
      ])
    }
    return dx
  }

  func backwardWeights(_ x: Tensor, _ dy: Tensor, bias: Bool) -> (weight: Tensor, bias: Tensor?) {
    let (x, dy) = (x.ordered(sourceOrder), dy.ordered(targetOrder))
    let packed = Storage(count: (weightsLayout.bytes + 3) / 4)
    let dbias = bias ? Tensor(uninitialized: [shape.o]) : nil
    var arguments = [
      argument(DNNL_ARG_SRC, primitive.layout(dnnl_query_src_md), x.pointer),
      argument(DNNL_ARG_DIFF_DST, primitive.layout(dnnl_query_diff_dst_md), dy.pointer),
      argument(DNNL_ARG_DIFF_WEIGHTS, weightsLayout, packed.pointer),
    ]
    if let dbias { arguments.append(argument(DNNL_ARG_DIFF_BIAS, Layout([shape.o], dnnl_a), dbias.pointer)) }
    withExtendedLifetime((x, dy, packed)) { primitive.execute(arguments) }
    let dweight = Tensor(uninitialized: shape.weights)
    Reorder.run(packed.pointer, weightsLayout, to: dweight.pointer, Layout(shape.weights, dnnl_abcd))
    return (dweight, dbias)
  }
}
