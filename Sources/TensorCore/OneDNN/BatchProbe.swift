/// Finds out which batches Winograd computes with the very bits of one image at a time.
///
/// oneDNN does not say how it divides a sum, so it is asked: a plan for several images and the plan for one are run on the
/// same made-up operands. Another order of additions would show among so many rounded sums; equal bits mean equal order,
/// which no other operands change. Each answer is kept, so it costs one run a shape.
enum BatchProbe {
  // Used on the thread that runs the model; see `Tape.current`.
  nonisolated(unsafe) private static var answers: [ConvolutionShape: Bool] = [:]

  /// The most images, at most `limit`, that may be taken together.
  static func largestRun(_ shape: ConvolutionShape, upTo limit: Int) -> Int {
    // Enough tiles to fill the products; beyond that images gain no speed and cost memory.
    let most = max(2, min(16, 4096 / (shape.outH * shape.outW)))
    let whole = min(limit, most)
    let runs = [whole] + [8, 4, 2].filter { $0 < whole }
    return runs.first { $0 > 1 && isExact(shape.with(batch: $0)) } ?? 1
  }

  private static func isExact(_ shape: ConvolutionShape) -> Bool {
    if let known = answers[shape] { return known }
    let answer = compare(shape)
    answers[shape] = answer
    return answer
  }

  private static func compare(_ shape: ConvolutionShape) -> Bool {
    let pass = ConvolutionPass.forward(bias: false, training: false)
    let (single, several) = (Convolution.cached(shape.with(batch: 1), pass), Convolution.cached(shape, pass))
    guard several.primitive.implementation == single.primitive.implementation,
      several.weightsLayout == single.weightsLayout
    else { return false }
    let weights = single.packed(operand(shape.weights, step: 0.61803))
    let x = operand(shape.source, step: 0.75488)
    let (one, all) = (Storage(count: shape.target.reduce(1, *)), Storage(count: shape.target.reduce(1, *)))
    several.forward(x.pointer, weights, nil, all.pointer)
    let (inSize, outSize) = (x.count / shape.n, one.count / shape.n)
    for image in 0..<shape.n {
      single.forward(x.pointer + image * inSize, weights, nil, one.pointer + image * outSize)
    }
    return (0..<one.count).allSatisfy { one.pointer[$0].bitPattern == all.pointer[$0].bitPattern }
  }

  /// Values spread over (−1, 1) without order: the fractional parts of multiples of an irrational number.
  private static func operand(_ shape: [Int], step: Double) -> Tensor {
    let tensor = Tensor(uninitialized: shape)
    for i in 0..<tensor.count {
      let multiple = Double(i) * step
      tensor.pointer[i] = Float(2 * (multiple - multiple.rounded(.down)) - 1)
    }
    return tensor
  }
}
