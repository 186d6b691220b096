import TensorCore

/// DPM-Solver and DPM-Solver++ with slopes from within a step (Lu et al. 2022a, "DPM-Solver", algorithms 1 and 2): blocks of
/// up to three evaluations, each of which begins anew at the block's start.
public struct DPMSolverSinglestep: Sampler {
  /// One a visited timestep.
  public let evaluations: [Evaluation]
  private let levels: [NoiseLevel]
  private let update: DPMSolverUpdate
  private let first: DPMSolverUpdate.FirstOrder
  private let clips: Bool
  private let orders: [Int]
  /// Of the block, the newest last.
  private var history: [Tensor] = []
  private var start: Tensor?

  /// - Parameter levels: one more than there are evaluations.
  init(_ evaluations: [Evaluation], levels: [NoiseLevel], _ config: SchedulerConfig) {
    (self.evaluations, self.levels) = (evaluations, levels)
    update = DPMSolverUpdate(algorithm: config.algorithmType)
    first = config.solverType == .midpoint ? .midpoint : .series
    clips = config.thresholding
    let steps = evaluations.count
    let endsLower =
      config.lowerOrderFinal || steps % config.solverOrder != 0 || config.finalSigmasType == .zero
    orders = Self.orders(
      steps, config.solverOrder, endsLower: endsLower, endsAtZero: config.finalSigmasType == .zero)
  }

  /// Along the SDE.
  public func needsNoise(_ i: Int) -> Bool { update.isStochastic }

  /// The evaluations that blocks begin with.
  public var stepStarts: [Int] { orders.indices.filter { orders[$0] == 1 } }
  /// Between the first evaluation of a block and its last.
  public private(set) var isWithinStep = false

  /// 1, 2, 3, 1, 2, 3, …: the order of each evaluation's step, the last ones lower.
  private static func orders(_ steps: Int, _ order: Int, endsLower: Bool, endsAtZero: Bool) -> [Int] {
    let block = Array(1...order)
    var list: [Int]
    if !endsLower || order == 1 {
      list = (0..<steps / order).flatMap { _ in block }
    } else if order == 2 {
      let blocks = steps % 2 == 0 ? steps / 2 - 1 : steps / 2
      list = (0..<blocks).flatMap { _ in block } + (steps % 2 == 0 ? [1, 1] : [1])
    } else {
      let blocks = steps % 3 == 0 ? steps / 3 - 1 : steps / 3
      list = (0..<blocks).flatMap { _ in block } + [[1, 2, 1], [1], [1, 2]][steps % 3]
    }
    if endsAtZero { list[list.count - 1] = 1 }
    return list
  }

  /// One step of the paper, as `Sampler` describes it.
  public mutating func step(_ i: Int, _ denoised: Denoised, _ x: Tensor, noise: Tensor?) -> Tensor {
    isWithinStep = i + 1 < orders.count && orders[i + 1] != 1
    if orders[i] == 1 || history.isEmpty { (history, start) = ([], x) }
    history.append(update.value(denoised, x, levels[i], clips: clips))
    // A trajectory that begins within a block has less of it behind it.
    let order = min(orders[i], history.count)
    let m = history
    let base = i - order + 1
    func lambda(_ k: Int) -> Double { levels[k].lambda }
    let h = lambda(i + 1) - lambda(base)
    var (d1, d2): (Tensor?, Tensor?)
    if order > 1 {
      let near = Float((lambda(base + 1) - lambda(base)) / h)
      d1 = .combination([(1 / near, m[1]), (-1 / near, m[0])])
      if order > 2, let early = d1 {
        let far = Float((lambda(base + 2) - lambda(base)) / h)
        let late = Tensor.combination([(1 / far, m[2]), (-1 / far, m[0])])
        if first == .midpoint {
          d1 = late
        } else {
          d1 = .combination([(far / (far - near), early), (-near / (far - near), late)])
          d2 = .combination([(2 / (far - near), late), (-2 / (far - near), early)])
        }
      }
    }
    return update(
      start ?? x, from: levels[base], to: levels[i + 1], m[0], d1, d2, order > 2 ? .series : first,
      noise: noise)
  }
}
