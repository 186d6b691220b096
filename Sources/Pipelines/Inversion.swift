import Models
import Schedulers
import TensorCore

/// The noise that gives a picture: a deterministic sampler's steps taken back, from the last to the first.
///
/// DDIM inversion (Song et al. 2021, "Denoising diffusion implicit models", section 4.3) takes each step back with what the
/// network says of its end, where its beginning is not yet known, and is off by a little at each. Here that is but the first
/// guess, which is then improved until the step from it ends where it should (Pan et al. 2023, "Effective real image editing
/// with accelerated iterative diffusion inversion"; Garibi et al. 2024, "ReNoise").
public struct Inversion {
  private let loop: DenoisingLoop
  private let search: FixedPoint

  /// What was found.
  public struct Result {
    /// Standard normal noise, or the like of it, `[1, C, H, W]`.
    public let noise: Tensor
    /// By how much the worst step misses where it should end, of any value.
    public let residual: Float
    /// How often the network was asked.
    public let evaluations: Int
  }

  /// - Parameters:
  ///   - loop: the way to the picture, by a sampler that is memoryless.
  ///   - iterations: how often each step is improved at most.
  ///   - tolerance: by how much a step may miss where it should end, of any value.
  public init(_ loop: DenoisingLoop, iterations: Int = 30, tolerance: Float = 1e-4) {
    precondition(loop.sampler.isMemoryless, "a sampler whose steps cannot be taken back")
    self.loop = loop
    search = FixedPoint(iterations: iterations, tolerance: tolerance)
  }

  /// The noise that the loop makes a picture of.
  ///
  /// - Parameters:
  ///   - x0: the picture, or its latents, `[1, C, H, W]`.
  ///   - progress: told after each step how many of how many are taken back.
  public func callAsFunction(
    _ x0: Tensor, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) -> Result {
    withoutGradients {
      let evaluations = loop.sampler.evaluations
      var (x, worst, asked): (Tensor, Float, Int) = (x0, 0, 0)
      for (done, i) in evaluations.indices.reversed().enumerated() {
        let reached = i + 1 < evaluations.count ? evaluations[i + 1].level : .clean
        let end = x.values
        let guess = guess(x, reached, loop.sampler.evaluation(i))
        asked += 1
        let found = search(from: guess.values) { start in
          asked += 1
          return zip(end, step(i, from: Tensor(start, shape: x0.shape)).values).map { $0 - $1 }
        }
        x = Tensor(found.x, shape: x0.shape)
        worst = max(worst, found.residual)
        progress(done + 1, evaluations.count)
      }
      return Result(noise: 1 / loop.sampler.initialNoiseScale * x, residual: worst, evaluations: asked)
    }
  }

  private func step(_ i: Int, from x: Tensor) -> Tensor {
    var sampler = loop.sampler
    return sampler.step(i, loop.denoised(x, sampler.evaluation(i)), x, noise: nil)
  }

  /// Where a step that ends in `x`, at the level `reached`, began, if the noise in `x` were that which the network finds.
  private func guess(_ x: Tensor, _ reached: NoiseLevel, _ evaluation: Evaluation) -> Tensor {
    let epsilon = loop.denoised(x, evaluation).epsilon
    let x0 = Tensor.combination([(1 / reached.alpha, x), (-reached.sigma / reached.alpha, epsilon)])
    return evaluation.level.noised(x0, epsilon)
  }
}
