import Models
import Schedulers
import TensorCore

/// The one way from a start to a picture. What differs between kinds of generation is what stands at its seams: where it
/// starts, which evaluations it visits, what is known, who predicts (and how predictions combine), what is put back after
/// each visit, and the space it is in.
public struct DenoisingLoop {
  /// What is put in place of `x` after a visit, and what it may draw noise from.
  public typealias AfterVisit = (_ end: VisitEnd, _ x: Tensor, _ noise: inout any NoiseSource) -> Tensor

  /// What takes the steps, before its first.
  public let sampler: any Sampler
  let parametrization: Parametrization
  let learnsVariance: Bool
  let clipping: Clipping
  let predictor: any Predictor
  let condition: Condition
  let classifier: ClassifierGuidance?
  let afterVisit: AfterVisit?

  /// - Parameters:
  ///   - config: says how the network's output is read and clipped, and which sampler takes the steps.
  ///   - visits: a number of steps, or where they are.
  ///   - eta: DDIM's η, TCD's γ.
  ///   - condition: what is known about the pictures, a row each.
  ///   - classifier: who says how much the pictures look like what the condition asks for.
  ///   - afterVisit: what holds after each visit, such as the known part of an inpainting.
  /// - Throws: `SchedulerError`.
  public init(
    _ config: SchedulerConfig, _ visits: Visits, eta: Float? = nil, predictor: any Predictor,
    condition: Condition = .none, classifier: ClassifierGuidance? = nil, afterVisit: AfterVisit? = nil
  ) throws {
    sampler = try config.sampler(visits, eta: eta)
    parametrization = config.parametrization
    learnsVariance = config.learnsVariance
    clipping = Clipping(config)
    (self.predictor, self.condition) = (predictor, condition)
    (self.classifier, self.afterVisit) = (classifier, afterVisit)
  }

  /// Denoises from pure noise of `shape`, `[N, C, H, W]`, by every step.
  ///
  /// - Parameter progress: told after each visit how many of how many are done.
  public func run(
    _ shape: [Int], noise: inout any NoiseSource, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) -> Tensor {
    run(from: .noise(noise.normal(shape, .initialLatents, step: 0)), noise: &noise, progress: progress)
  }

  /// Denoises from a start, `[N, C, H, W]`, along a route.
  ///
  /// - Parameters:
  ///   - route: every step where it is nil.
  ///   - progress: told after each visit how many of how many are done.
  public func run(
    from start: Start, along route: Route? = nil, noise: inout any NoiseSource,
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) -> Tensor {
    withoutGradients {
      let route = route ?? Route(sampler)
      var sampler = sampler
      var x = start.noised(for: sampler, visiting: route.evaluations.first ?? 0)
      var visit = 0
      for (leg, next) in zip(route.legs, route.legs.dropFirst().map { $0 as Route.Leg? } + [nil]) {
        switch leg {
        case .jump(let from, let to):
          let levels = (sampler.evaluations[from].level, sampler.evaluations[to].level)
          x = levels.1.renoised(x, from: levels.0, noise.normal(x.shape, .renoising, step: visit))
          // What a sampler remembers is of another trajectory.
          sampler = self.sampler
        case .visit(let i):
          let denoised = denoised(x, sampler.evaluation(i))
          let draw = sampler.needsNoise(i) ? noise.normal(x.shape, .samplerStep, step: visit) : nil
          x = sampler.step(i, denoised, x, noise: draw)
          if let afterVisit {
            let end = VisitEnd(sampler, visit: visit, evaluation: i, next: next, x0: denoised.x0)
            x = afterVisit(end, x, &noise)
          }
          visit += 1
          progress(visit, route.evaluations.count)
        }
      }
      return x
    }
  }

  /// What the predictor says of `x`, read and clipped.
  func denoised(_ x: Tensor, _ evaluation: Evaluation) -> Denoised {
    let channels = x.shape[1]
    let scaled = evaluation.inputScale == 1 ? x : evaluation.inputScale * x
    var (output, variance): (Tensor, Tensor?) = (predictor(scaled, evaluation, condition), nil)
    if output.shape[1] == 2 * channels {
      let halves = output.splitChannels([channels, channels])
      (output, variance) = (halves[0], learnsVariance ? halves[1] : nil)
    }
    let gradient = classifier?(scaled, evaluation, condition)
    if let gradient, !sampler.guidesMeans {
      output = parametrization.guided(output, by: gradient, evaluation)
    }
    var denoised = parametrization.denoised(output, x, evaluation)
    denoised.x0 = clipping(denoised.x0)
    (denoised.variance, denoised.gradient) = (variance, sampler.guidesMeans ? gradient : nil)
    return denoised
  }
}
