import TensorCore

/// Pseudo numerical methods (Liu et al. 2022, "Pseudo numerical methods for diffusion models on manifolds"): linear
/// multistep of the noise ε, with DDIM's transfer in place of a straight line, started by Runge–Kutta steps or, without
/// these, by one of Heun's (then called PLMS).
///
/// Of a v-predicting network diffusers averages v and turns the mean into ε, which is done here too; the paper averages ε.
public struct PNDM: Sampler {
  /// One a visited timestep.
  public let evaluations: [Evaluation]
  private let schedule: NoiseSchedule
  private let timesteps: [Int]
  /// How many evaluations belong to Runge–Kutta steps, four each.
  private let rungeKutta: Int
  private let stride: Int
  private let finalAlphaCumprod: Float
  private let predictsVelocity: Bool
  /// The newest last.
  private var history: [Tensor] = []
  private var sum: Tensor?
  /// Where the step that is being taken began; nil between steps.
  private var start: Tensor?

  /// - Parameters:
  ///   - timesteps: descending.
  ///   - stride: how far a step goes.
  ///   - skipsRungeKutta: whether it begins with multistep at once.
  ///   - setAlphaToOne: whether the last step ends at ᾱ = 1, and not at that of timestep 0.
  ///   - prediction: ε or v.
  public init(
    _ schedule: NoiseSchedule, timesteps: [Int], stride: Int, skipsRungeKutta: Bool, setAlphaToOne: Bool,
    prediction: SchedulerConfig.PredictionType
  ) {
    predictsVelocity = prediction == .vPrediction
    let visited: [Int]
    if skipsRungeKutta {
      // The second timestep is visited twice: once to correct the first step.
      visited = timesteps.count < 2 ? timesteps : [timesteps[0], timesteps[1]] + timesteps.dropFirst()
      rungeKutta = 0
    } else {
      // Pairs (t, t − stride/2) of the first four timesteps, each inner one twice.
      let halves = timesteps.prefix(4).reversed().flatMap { [$0, $0 + stride / 2] }
      let doubled = halves.dropLast().flatMap { [$0, $0] }
      let steps = Array(doubled.dropFirst().dropLast().reversed())
      rungeKutta = steps.count
      visited = steps + timesteps.dropFirst(3)
    }
    self.timesteps = visited
    self.schedule = schedule
    self.stride = stride
    finalAlphaCumprod = setAlphaToOne ? 1 : schedule.alphasCumprod[0]
    evaluations = schedule.evaluations(visited)
  }

  /// One of four evaluations of Runge–Kutta steps, none of the correction of the first multistep, and all others.
  public var stepStarts: [Int] {
    evaluations.indices.filter { $0 < rungeKutta ? $0 % 4 == 0 : $0 != 1 || rungeKutta > 0 }
  }
  /// Within a Runge–Kutta step, and until the first multistep is corrected.
  public var isWithinStep: Bool { start != nil }

  /// Without Runge–Kutta steps a beginning has its second timestep visited twice. diffusers visits it once wherever it does not
  /// begin with the first, and is a step behind its noise from there on.
  public func visits(from i: Int) -> [Int] {
    let rest = Array(i..<evaluations.count)
    return i == 0 || i < rungeKutta || rest.count < 2 ? rest : [i, i + 1] + rest.dropFirst()
  }

  /// One step of the paper, as `Sampler` describes it.
  public mutating func step(_ i: Int, _ denoised: Denoised, _ x: Tensor, noise: Tensor?) -> Tensor {
    i < rungeKutta ? rungeKuttaStep(i, denoised.output, x) : multistep(i, denoised.output, x)
  }

  /// The classical fourth order: slopes at the beginning, twice in the middle and at the end, weighted 1, 2, 2 and 1.
  private mutating func rungeKuttaStep(_ i: Int, _ e: Tensor, _ x: Tensor) -> Tensor {
    let end = timesteps[i] - (i % 2 == 1 ? 0 : stride / 2)
    let begun = start ?? x
    var slope = e
    switch i % 4 {
    case 0:
      sum = 1 / 6 * e
      history.append(e)
      start = x
    case 3:
      slope = sum.map { .combination([(Float(1), $0), (1 / 6, e)]) } ?? e
      (sum, start) = (nil, nil)
    default: sum = sum.map { .combination([(Float(1), $0), (1 / 3, e)]) }
    }
    return transfer(begun, from: timesteps[i / 4 * 4], to: end, slope)
  }

  /// Adams–Bashforth of as many slopes as there are, at most four.
  private mutating func multistep(_ i: Int, _ e: Tensor, _ x: Tensor) -> Tensor {
    let t = timesteps[i]
    if let begun = start {
      // Once more from the beginning, with the mean of both slopes.
      start = nil
      let slope = Tensor.combination([(Float(0.5), e), (Float(0.5), history[0])])
      return transfer(begun, from: t + stride, to: t, slope)
    }
    if history.isEmpty { start = x }
    history = history.suffix(3) + [e]
    let h = Array(history.reversed())
    let slope: Tensor
    switch h.count {
    case 1: slope = e
    case 2: slope = .combination([(3 / 2, h[0]), (-1 / 2, h[1])])
    case 3: slope = .combination([(23 / 12, h[0]), (-16 / 12, h[1]), (5 / 12, h[2])])
    default: slope = .combination([(55 / 24, h[0]), (-59 / 24, h[1]), (37 / 24, h[2]), (-9 / 24, h[3])])
    }
    return transfer(x, from: t, to: t - stride, slope)
  }

  /// Equation 11 of the paper: exact if ε were the same all the way.
  private func transfer(_ x: Tensor, from: Int, to: Int, _ e: Tensor) -> Tensor {
    // diffusers may ask beyond the last timestep here, where Python's index −1 has no like in the paper.
    let a = schedule.alphasCumprod[min(from, schedule.count - 1)]
    let b = to >= 0 ? schedule.alphasCumprod[to] : finalAlphaCumprod
    var e = e
    if predictsVelocity { e = .combination([(a.squareRoot(), e), ((1 - a).squareRoot(), x)]) }
    let denominator = a * (1 - b).squareRoot() + (a * (1 - a) * b).squareRoot()
    return .combination([((b / a).squareRoot(), x), (-(b - a) / denominator, e)])
  }
}
