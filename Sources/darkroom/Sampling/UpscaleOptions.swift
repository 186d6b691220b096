import ArgumentParser
import Foundation
import Models
import Pictures
import Pipelines
import Schedulers
import TensorCore

/// Pictures sampled small, enlarged and gone through again ("hires fix"): models repeat themselves in pictures larger than
/// those that they were trained on, unless the composition is there already.
struct UpscaleOptions: ParsableArguments {
  @Option(
    help: """
      Sample at --size, enlarge by this factor, and go through a part of the steps again, steered by control pictures that \
      are enlarged too. A --classifier that was trained for pictures of one size leads no others.
      """)
  var upscale: Double?

  @Option(
    parsing: .unconditional,
    help: "Of --upscale: the share of the schedule, above 0 and up to 1, that is gone through again.")
  var upscaleStrength = 0.4

  @Option(
    help: "Of --upscale: what is enlarged: latent (what the network sees) or pixels (the decoded picture).")
  var upscaleMode = Mode.latent

  @Option(help: "Of --upscale: steps of the second pass. (default: the strength's share of --steps)")
  var upscaleSteps: Int?

  enum Mode: String, ExpressibleByArgument, CaseIterable { case latent, pixels }

  func validate() throws {
    try require(
      (1.0...8.0).contains(upscale ?? 2) && upscale != 1, "--upscale must be above 1 and at most 8.")
    try EditOptions.check(strength: upscaleStrength, option: "--upscale-strength")
    try require((upscaleSteps ?? 1) >= 1, "--upscale-steps must be at least 1.")
    try require(
      upscale != nil || upscaleStrength == 0.4 && upscaleSteps == nil && upscaleMode == .latent,
      "--upscale-strength, --upscale-mode and --upscale-steps go with --upscale.")
  }

  /// The size of the second pass, the nearest that the model allows; nil where there is none.
  func size(after first: Sampling) -> (width: Int?, height: Int?)? {
    guard let upscale else { return nil }
    let folder = first.folder
    let multiple = folder.config.sizeMultiple * (folder.vae?.config.downsampling ?? 1)
    func side(_ length: Int) -> Int {
      max(1, Int((Double(length) * upscale / Double(multiple)).rounded())) * multiple
    }
    return (side(first.size.width), side(first.size.height))
  }

  /// Draws what a run would, enlarged.
  ///
  /// - Parameters:
  ///   - first: the run that samples small.
  ///   - second: what is asked of the model, at the size that pictures are enlarged to.
  /// - Throws: as `SamplingRun.draw`.
  func draw(_ first: SamplingRun, _ second: Sampling, into sink: inout PictureSink) throws {
    let steps = first.visits.steps
    let taken = upscaleSteps ?? max(1, Int((Double(steps) * upscaleStrength).rounded()))
    let strength = Strength(upscaleStrength, steps: taken, mode: .taken, most: first.scheduler.mostSteps)
    let run = try first.followed(by: second, strength)
    // Prompts of some models say the size.
    var prompts: EncodedPrompts?
    try run.draw(into: &sink) { pictures, loaded, noise in
      var small = loaded
      small.prompts = try prompts ?? first.sampling.prompts(first.sampler)
      prompts = small.prompts
      small.networks = first.sampling.steered(loaded.networks)
      let x = try first.latents(pictures, small, first.fromNoise(pictures, &noise), &noise) { done, total in
        Console.progress("first pass, step \(done)/\(total)")
      }
      noise = SecondPassNoise(after: noise)
      let shape = second.shape(count: pictures.count)
      return Beginning(
        start: .picture(
          enlarged(x, loaded.codec, to: second), noise: noise.normal(shape, .initialLatents, step: 0)))
    } recording: { recipe in
      (recipe.steps, recipe.scheduleSteps) = (steps, strength.total)
      (recipe.upscale, recipe.upscaleStrength) = (upscale, upscaleStrength)
      recipe.upscaleMode = upscaleMode.rawValue
    }
  }

  /// What the first pass made, as the second begins with it: `[N, C, H, W]` of what the network sees, at its size.
  private func enlarged(_ x: Tensor, _ codec: LatentSpace?, to sampling: Sampling) -> Tensor {
    if upscaleMode == .latent {
      return x.bilinear(height: sampling.latentSize.height, width: sampling.latentSize.width)
    }
    let pictures = Picture.batch(codec?.decoded(x) ?? x).map {
      sampling.tensor(of: $0.resized(width: sampling.size.width, height: sampling.size.height))
    }
    return codec?.encoded(.stacked(pictures)) ?? .stacked(pictures)
  }
}
