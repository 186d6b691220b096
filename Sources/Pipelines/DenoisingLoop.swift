import Models
import Schedulers
import TensorCore

/// The one way from a start to a picture. What differs between kinds of generation is what stands at its seams: where it
/// starts, who predicts (and how predictions combine), what is put back after each step, and the space it is in.
public struct DenoisingLoop {
  var sampler: any Sampler
  let parametrization: Parametrization
  let learnsVariance: Bool
  let clipping: Clipping
  let predictor: any Predictor
  let condition: Condition
  let afterStep: ((_ step: Int, _ x: Tensor) -> Tensor)?

  /// - Parameters:
  ///   - config: says how the network's output is read and clipped, and which sampler takes the steps.
  ///   - visits: a number of steps, or where they are.
  ///   - eta: DDIM's η, TCD's γ.
  ///   - condition: what is known about the pictures, a row each.
  ///   - afterStep: what holds after each step, such as the known part of an inpainting.
  /// - Throws: `SchedulerError`.
  public init(
    _ config: SchedulerConfig, _ visits: Visits, eta: Float? = nil, predictor: any Predictor,
    condition: Condition = .none, afterStep: ((_ step: Int, _ x: Tensor) -> Tensor)? = nil
  ) throws {
    sampler = try config.sampler(visits, eta: eta)
    parametrization = config.parametrization
    learnsVariance = config.learnsVariance
    clipping = Clipping(config)
    (self.predictor, self.condition) = (predictor, condition)
    self.afterStep = afterStep
  }

  /// Denoises from pure noise of `shape`, `[N, C, H, W]`.
  ///
  /// - Parameter progress: told after each step how many of how many are done.
  public func run(
    _ shape: [Int], noise: inout any NoiseSource, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) -> Tensor {
    withoutGradients {
      var sampler = sampler
      var x = noise.normal(shape, .initialLatents, step: 0)
      if sampler.initialNoiseScale != 1 { x = sampler.initialNoiseScale * x }
      for (i, evaluation) in sampler.evaluations.enumerated() {
        let shown = evaluation.inputScale == 1 ? x : evaluation.inputScale * x
        var (output, variance): (Tensor, Tensor?) = (predictor(shown, evaluation, condition), nil)
        if output.shape[1] == 2 * shape[1] {
          let halves = output.splitChannels([shape[1], shape[1]])
          (output, variance) = (halves[0], learnsVariance ? halves[1] : nil)
        }
        var denoised = parametrization.denoised(output, x, evaluation)
        denoised.x0 = clipping(denoised.x0)
        denoised.variance = variance
        let draw = sampler.needsNoise(i) ? noise.normal(shape, .samplerStep, step: i) : nil
        x = sampler.step(i, denoised, x, noise: draw)
        if let afterStep { x = afterStep(i, x) }
        progress(i + 1, sampler.evaluations.count)
      }
      return x
    }
  }
}
