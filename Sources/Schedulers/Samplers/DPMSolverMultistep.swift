import TensorCore

/// DPM-Solver and DPM-Solver++ with slopes from earlier steps (Lu et al. 2022b, "DPM-Solver++", algorithm 2), along the ODE
/// or the SDE, of order 1 to 3.
///
/// At the third order diffusers takes (D₁⁽⁰⁾ − D₁⁽¹⁾)/(r₀ + r₁) for the second derivative in λ, of which it is half: its
/// error falls with the second power of the step. That is the default, so that diffusers' pictures are reproduced; the
/// solver type `taylor` (sampler `dpmpp-3m-taylor`) takes all of it, and has the third order of the paper's theorem.
public struct DPMSolverMultistep: Sampler {
  /// One a step.
  public let evaluations: [Evaluation]
  /// The deviation of the noise that it starts from.
  public let initialNoiseScale: Float
  private let levels: [NoiseLevel]
  private let update: DPMSolverUpdate
  private let order: Int
  private let first: DPMSolverUpdate.FirstOrder
  private let clips: Bool
  /// Of the second derivative.
  private let curvature: Float
  private let endsInEuler: Bool, endsLower: Bool
  /// The newest last.
  private var history: [Tensor] = []

  /// - Parameter levels: one more than there are evaluations.
  init(
    _ evaluations: [Evaluation], levels: [NoiseLevel], _ config: SchedulerConfig, initialNoiseScale: Float = 1
  ) {
    (self.evaluations, self.levels, self.initialNoiseScale) = (evaluations, levels, initialNoiseScale)
    update = DPMSolverUpdate(algorithm: config.algorithmType)
    order = config.solverOrder
    first = config.solverType == .midpoint ? .midpoint : .series
    clips = config.thresholding
    curvature = config.solverType == .taylor ? 2 : 1
    endsLower = config.lowerOrderFinal && evaluations.count < 15
    endsInEuler = config.eulerAtFinal || endsLower || config.finalSigmasType == .zero
  }

  /// Along the SDE.
  public func needsNoise(_ i: Int) -> Bool { update.isStochastic }

  /// One step of the paper, as `Sampler` describes it.
  public mutating func step(_ i: Int, _ denoised: Denoised, _ x: Tensor, noise: Tensor?) -> Tensor {
    history = history.suffix(order - 1) + [update.value(denoised, x, levels[i], clips: clips)]
    let left = evaluations.count - i
    var now = history.count
    if left == 1, endsInEuler { now = 1 }
    if left == 2, endsLower { now = min(now, 2) }
    let m = Array(history.reversed())
    func lambda(_ k: Int) -> Double { levels[k].lambda }
    let h = lambda(i + 1) - lambda(i)
    var (d1, d2): (Tensor?, Tensor?)
    if now > 1 {
      let r0 = Float((lambda(i) - lambda(i - 1)) / h)
      d1 = .combination([(1 / r0, m[0]), (-1 / r0, m[1])])
      if now > 2, let newer = d1 {
        let r1 = Float((lambda(i - 1) - lambda(i - 2)) / h)
        let older = Tensor.combination([(1 / r1, m[1]), (-1 / r1, m[2])])
        let share = r0 / (r0 + r1)
        d1 = .combination([(1 + share, newer), (-share, older)])
        d2 = .combination([(curvature / (r0 + r1), newer), (-curvature / (r0 + r1), older)])
      }
    }
    // The third order is the series by definition.
    return update(
      x, from: levels[i], to: levels[i + 1], m[0], d1, d2, now > 2 ? .series : first, noise: noise)
  }
}
