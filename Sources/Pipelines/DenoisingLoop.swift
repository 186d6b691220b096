import Schedulers
import TensorCore

/// The one way from a start to a picture. What differs between kinds of generation is what stands at its seams: where it
/// starts, who predicts (and how predictions combine), what is put back after each step, and the space it is in.
public struct DenoisingLoop {
  var sampler: any Sampler
  let prediction: SchedulerConfig.PredictionType
  let clipping: Clipping
  let predictor: any Predictor
  let afterStep: ((_ step: Int, _ x: Tensor) -> Tensor)?

  /// - Parameters:
  ///   - config: says how the network's output is read and clipped, and which sampler takes the steps.
  ///   - steps: network evaluations.
  ///   - eta: DDIM's η.
  ///   - afterStep: what holds after each step, such as the known part of an inpainting.
  /// - Throws: `SchedulerError`.
  public init(
    _ config: SchedulerConfig, steps: Int, eta: Float = 0, predictor: any Predictor,
    afterStep: ((_ step: Int, _ x: Tensor) -> Tensor)? = nil
  ) throws {
    sampler = try config.sampler(steps: steps, eta: eta)
    prediction = config.predictionType
    clipping = Clipping(config)
    self.predictor = predictor
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
      for (i, t) in sampler.timesteps.enumerated() {
        let output = predictor(x, timestep: t)
        var denoised = prediction.denoised(output, x, alphaCumprod: sampler.alphasCumprod[i])
        denoised.x0 = clipping(denoised.x0)
        let draw = sampler.needsNoise(i) ? noise.normal(shape, .samplerStep, step: i) : nil
        x = sampler.step(i, denoised, x, noise: draw)
        if let afterStep { x = afterStep(i, x) }
        progress(i + 1, sampler.timesteps.count)
      }
      return x
    }
  }
}
