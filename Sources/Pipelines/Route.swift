import Schedulers
import TensorCore

/// Where a run starts; the tensors are `[N, C, H, W]`.
public enum Start {
  /// Standard normal noise, at the first evaluation of a schedule.
  case noise(Tensor)
  /// Pictures, or latents, that are noised with standard normal noise to the level of the first visit.
  case picture(Tensor, noise: Tensor)
  /// What the sampler has at the first visit.
  case given(Tensor)

  func noised(for sampler: any Sampler, visiting first: Int) -> Tensor {
    switch self {
    case .noise(let noise):
      sampler.initialNoiseScale == 1 ? noise : sampler.initialNoiseScale * noise
    case .picture(let x0, let noise): sampler.evaluations[first].level.noised(x0, noise)
    case .given(let x): x
    }
  }
}

/// Which of a sampler's evaluations a run visits, in order.
public struct Route: Sendable, Equatable {
  /// One thing to do.
  public enum Leg: Sendable, Equatable {
    /// An evaluation, by number.
    case visit(Int)
    /// Back to the level of the evaluation `to`, by noise, where the next would be `from`.
    case jump(from: Int, to: Int)
  }

  /// In order.
  public let legs: [Leg]
  /// The evaluations that are visited, in order.
  public var evaluations: [Int] {
    legs.compactMap { leg in if case .visit(let i) = leg { i } else { nil } }
  }

  /// - Parameter legs: each visit to be followed by what the sampler makes of it.
  public init(_ legs: [Leg]) { self.legs = legs }

  /// A sampler's last steps.
  ///
  /// - Parameter skipped: how many steps at the beginning are left out.
  public init(_ sampler: any Sampler, skipping skipped: Int = 0) {
    let starts = sampler.stepStarts
    legs = starts.isEmpty ? [] : sampler.visits(from: starts[skipped]).map { .visit($0) }
  }

  /// The evaluations from number `first` on, as diffusers' pipelines visit them.
  public init(_ sampler: any Sampler, fromEvaluation first: Int) {
    legs = (first..<sampler.evaluations.count).map { .visit($0) }
  }

  /// RePaint's jumps (Lugmayr et al. 2022, section 4.2 and appendix B): wherever the number of steps left after the next is
  /// a multiple of `length`, so many steps back and forth again, until the way was gone `resamplings` times.
  ///
  /// - Parameters:
  ///   - skipped: how many steps at the beginning are left out.
  ///   - length: how many steps a jump goes back, at least 1.
  ///   - resamplings: how often each stretch is gone, at least 1, which is without jumps.
  public init(_ sampler: any Sampler, skipping skipped: Int = 0, jumps length: Int, resamplings: Int) {
    let starts = Array(sampler.stepStarts.dropFirst(skipped))
    var jumpsLeft = starts.indices.map { step in
      step >= length && (starts.count - 1 - step) % length == 0 ? resamplings - 1 : 0
    }
    var legs: [Leg] = []
    var (step, isBeginning) = (0, true)
    while step < starts.count {
      let end = step + 1 < starts.count ? starts[step + 1] : sampler.evaluations.count
      let visits = isBeginning ? sampler.visits(from: starts[step]) : Array(starts[step]..<end)
      // A sampler that begins may visit an evaluation twice; what follows its last visit is the next step.
      legs += visits.prefix(visits.lastIndex(of: end) ?? visits.count).map { .visit($0) }
      (step, isBeginning) = (step + 1, false)
      if step < starts.count, jumpsLeft[step] > 0 {
        jumpsLeft[step] -= 1
        legs.append(.jump(from: starts[step], to: starts[step - length]))
        (step, isBeginning) = (step - length, true)
      }
    }
    self.legs = legs
  }
}

/// Where a run stands when a visit is done.
public struct VisitEnd {
  /// The number of the visit, from 0: what its noise is keyed by.
  public let visit: Int
  /// The number of the evaluation in the schedule.
  public let evaluation: Int
  /// The level that x has reached, which is that of the next visit; the clean one after the last.
  public let level: NoiseLevel
  /// Whether a step is done: false within a step of a method that asks several times, which goes on from where the step
  /// began, whatever becomes of x.
  public let endsStep: Bool
  /// The picture that the visit has found, clipped as the schedule wants it.
  public let x0: Tensor

  init(_ sampler: any Sampler, visit: Int, evaluation: Int, next: Route.Leg?, x0: Tensor) {
    (self.visit, self.evaluation, self.x0) = (visit, evaluation, x0)
    let following =
      switch next {
      case .visit(let i): i
      case .jump(let from, _): from
      case nil: evaluation + 1
      }
    level = following < sampler.evaluations.count ? sampler.evaluations[following].level : .clean
    endsStep = next == nil || !sampler.isWithinStep
  }
}
