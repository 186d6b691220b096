/// Finds out which batches Winograd computes with the very bits of one image at a time.
///
/// oneDNN does not say how it divides a sum, so it is asked: a plan for several images and the plan for one are run on the
/// same made-up operands. Another order of additions would show among so many rounded sums; equal bits mean equal order,
/// which no other operands change. Each answer is kept, so it costs one run a shape.
enum BatchProbe {
  // Used on the thread that runs the model; see `Tape.current`.
  nonisolated(unsafe) private static var answers: [Question: Bool] = [:]

  /// oneDNN's plan, and the layout of the weights in it, is another for another number of threads.
  private struct Question: Hashable {
    let shape: ConvolutionShape
    let threads: Int
  }

  /// The most images, at most `limit`, that may be taken together.
  static func largestRun(_ shape: ConvolutionShape, upTo limit: Int) -> Int {
    // Enough tiles to fill the products; beyond that images gain no speed and cost memory.
    let most = max(2, min(16, 4096 / (shape.outH * shape.outW)))
    let whole = min(limit, most)
    let runs = [whole] + [8, 4, 2].filter { $0 < whole }
    return runs.first { $0 > 1 && isExact(shape.with(batch: $0)) } ?? 1
  }

  private static func isExact(_ shape: ConvolutionShape) -> Bool {
    let question = Question(shape: shape, threads: threadCount)
    if let known = answers[question] { return known }
    let answer = compare(shape)
    answers[question] = answer
    return answer
  }

  /// Whether one image's bits are the same whatever the number of threads: for some shapes oneDNN blocks the sum over
  /// channels by it. The same counts are tried whoever asks, so that all of them choose one algorithm.
  static func isTheSameOnAllThreads(_ shape: ConvolutionShape) -> Bool {
    let shape = shape.with(batch: 1)
    if let known = threadAnswers[shape] { return known }
    let asked = threadCount
    defer { threadCount = asked }
    let pass = ConvolutionPass.forward(bias: false, training: false)
    let x = operand(shape.source, step: 0.75488)
    let weight = operand(shape.weights, step: 0.61803)
    let results = Set([1, 2, 3, 4, 8, asked]).map { threads in
      threadCount = threads
      let plan = Convolution.cached(shape, pass)
      let y = Storage(count: shape.target.reduce(1, *))
      plan.forward(x.pointer, plan.repacked(weight), nil, y.pointer)
      return (0..<shape.target.reduce(1, *)).map { y.pointer[$0].bitPattern }
    }
    let answer = results.allSatisfy { $0 == results[0] }
    threadAnswers[shape] = answer
    return answer
  }

  // As `answers`.
  nonisolated(unsafe) private static var threadAnswers: [ConvolutionShape: Bool] = [:]

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
