import ArgumentParser
import Files
import Foundation
import NN
import Pictures
import Pipelines
import TensorCore

/// What pictures begin with where that is not their seed's own noise, for every command that draws.
struct NoiseOptions: ParsableArguments {
  @Option(
    name: [.long, .customLong("noise")],
    help: "Begin with the noise of this .safetensors file (key latents), such as 'darkroom invert' writes.",
    completion: .file(extensions: ["safetensors"]))
  var latents: String?

  @Option(
    help: "Begin part of the way from the seed's noise to this seed's (A1111's variation seed).")
  var variationSeed: UInt64?

  @Option(help: "How far, from 0 to 1, --variation-seed leads.")
  var variationStrength: Float?

  func validate() throws {
    try require(
      (variationSeed == nil) == (variationStrength == nil),
      "--variation-seed and --variation-strength go together.")
    try require((0...1).contains(variationStrength ?? 0), "--variation-strength must be from 0 to 1.")
  }
}

/// The noise that the pictures of a run begin with, its file read and checked.
struct NoiseChoice {
  private let options: NumberOptions
  private let latents: Tensor?

  /// - Parameters:
  ///   - shape: of one picture's noise, `[1, C, H, W]`.
  /// - Throws: `Failure` for noise of another size; `SafetensorsError`.
  init(_ options: NumberOptions, shape: [Int]) throws {
    self.options = options
    latents = try options.noise.latents.map { path in
      let latents = try SafetensorsFile(URL(argument: path, "--latents")).tensor("latents")
      guard latents.shape.count == 4, latents.shape[0] > 0,
        Array(latents.shape.dropFirst()) == Array(shape.dropFirst())
      else {
        func size(_ shape: some Collection<Int>) -> String { shape.map(String.init).joined(separator: "×") }
        throw Failure(
          "--latents \(path) holds noise of \(size(latents.shape)); what is asked for begins with N×\(size(shape.dropFirst())) (pictures, "
            + "channels, height, width).")
      }
      if let (_, value) = latents.firstNotFinite {
        throw Failure("--latents \(path) holds \(value), which is no noise to begin with.")
      }
      return latents
    }
  }

  /// The noise of the pictures of these numbers.
  func callAsFunction(_ pictures: Range<Int>) -> any NoiseSource {
    func source(_ seed: UInt64) -> any NoiseSource {
      options.rng.source(seed: seed, firstIndex: pictures.lowerBound)
    }
    var noise = source(options.seed.value)
    if let latents { noise = GivenNoise(latents, firstIndex: pictures.lowerBound, rest: noise) }
    if let seed = options.noise.variationSeed, let strength = options.noise.variationStrength {
      noise = VariedNoise(noise, towards: source(seed), strength: strength)
    }
    return noise
  }

  /// SHA-256 of the file, by its path on the command line; nothing where there is none.
  ///
  /// - Throws: what reading it throws.
  func hashes() throws -> [String: String] {
    guard let path = options.noise.latents else { return [:] }
    return [path: try HashCache().sha256(of: URL(argument: path, "--latents"))]
  }

  /// Writes down what a person may ask for again by number.
  func record(in recipe: inout Recipe) {
    recipe.variationSeed = options.noise.variationSeed
    recipe.variationStrength = options.noise.variationStrength.map(Double.init)
  }
}
