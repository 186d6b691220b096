import ArgumentParser
import Foundation
import Pictures
import Pipelines
import Schedulers
import TensorCore

/// What every command has in common that makes pictures of a picture.
struct EditOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What --steps counts: taken, or diffusers for the steps of the whole schedule.",
      discussion: "With diffusers, strength 0.3 of 50 steps takes 15, as diffusers' pipelines do."))
  var stepsMode = Strength.StepsMode.taken

  @Option(help: "What transparency is laid on: a colour as RRGGBB.")
  var background = "ffffff"

  @OptionGroup var sampling: SamplingOptions

  func validate() throws {
    try require(color != nil, "--background \(background) is no colour such as ff8000.")
  }

  /// What transparency is laid on.
  var color: RGB? { RGB(hexadecimal: background) }

  /// - Throws: `ValidationError` for a strength that is none.
  static func check(strength: Double, option: String = "--strength") throws {
    try require(strength > 0 && strength <= 1, "\(option) \(strength) must be above 0 and at most 1.")
  }
}

extension RGB {
  /// - Parameter text: RRGGBB.
  init?(hexadecimal text: String) {
    guard text.count == 6, let number = UInt32(text, radix: 16) else { return nil }
    self.init(UInt8(number >> 16), UInt8(number >> 8 & 255), UInt8(number & 255))
  }
}

extension Strength.StepsMode: ExpressibleByArgument {}

/// A run that begins with a picture: what is asked of the model, found and checked before any weights are loaded.
struct Edit {
  let options: EditOptions
  let run: SamplingRun
  private let strength: Strength
  /// The share of the schedule that was asked for.
  private let share: Double

  /// - Parameters:
  ///   - strength: the share of the schedule that the picture goes through.
  ///   - route: the evaluations that are visited; the last ones, by the strength, where it is nil.
  /// - Throws: `Failure`, or the errors of the folder and the scheduler.
  init(
    _ options: EditOptions, _ sampling: Sampling, strength share: Double,
    route: ((Strength, any Sampler) -> Route)? = nil
  ) throws {
    (self.options, self.share) = (options, share)
    let scheduler = try options.sampling.stepping.scheduler(sampling.folder)
    let steps = options.sampling.stepping.count(scheduler)
    let strength = Strength(share, steps: steps, mode: options.stepsMode, most: scheduler.mostSteps)
    self.strength = strength
    if strength.taken == 0 {
      throw Failure(
        "--strength \(share) of \(steps) steps is none; raise one of them, or leave --steps-mode diffusers out."
      )
    }
    run = try SamplingRun(options.sampling, sampling, scheduler, .count(strength.total)) {
      route?(strength, $0) ?? strength.route($0)
    }
    if options.stepsMode == .taken, strength.taken < steps {
      Console.note(
        "\(strength.taken) steps are taken: strength \(share) of this schedule's \(strength.total) has no more"
      )
    }
  }

  /// What the network sees of a picture of the size that is worked at, `[1, C, H, W]`.
  ///
  /// With PyTorch's generator latents are drawn from the posterior, as diffusers draws them; otherwise they are its mean.
  ///
  /// - Parameter step: what the draw is keyed by; pictures of one run have different ones.
  func encoded(
    _ x: Tensor, _ codec: LatentSpace?, noise: inout any NoiseSource, step: Int = 0
  ) -> Tensor {
    guard let codec else { return x }
    guard options.sampling.numbers.rng == .torch else { return codec.encoded(x) }
    let posterior = codec.posterior(x)
    let draw = noise.normal(posterior.mean.shape, .posterior, step: step)
    return codec.autoencoder.scaled(posterior.sample(draw))
  }

  /// Writes down what an edit's recipe says beyond a run's.
  ///
  /// - Parameters:
  ///   - image: the picture that it was made of.
  ///   - inputs: SHA-256 of the files that it was made of, by their paths.
  func record(image: String, inputs: [String: String], in recipe: inout Recipe) {
    recipe.image = image
    recipe.inputs = (recipe.inputs ?? [:]).merging(inputs) { _, file in file }
    (recipe.strength, recipe.steps, recipe.scheduleSteps) = (share, strength.taken, strength.total)
  }
}

extension Tensor {
  /// One picture's tensor for so many.
  func repeated(_ count: Int) -> Tensor { .stacked(Array(repeating: self, count: count)) }
}
