import ArgumentParser
import Foundation
import Models
import NN
import Pictures
import Pipelines
import TensorCore

/// `darkroom vae`: pictures to latents and back.
struct VAECommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vae",
    abstract: "Encode pictures as latents, decode latents, or measure the way there and back.",
    discussion: """
      The model is the folder of an AutoencoderKL, or that of a pipeline which has one.

      EXAMPLES
        darkroom vae check run photo.png
        darkroom vae encode run photo.png --output latents.safetensors
        darkroom vae decode run latents.safetensors --output photo-again.png
      """,
    subcommands: [Encode.self, Decode.self, Check.self])

  struct Encode: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Encode a picture as latents, shifted and scaled as a denoiser sees them.")

    @Argument(help: "The model's folder.", completion: .directory)
    var model: String

    @Argument(help: "A PNG or JPEG.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
    var image: String

    @Option(
      name: .shortAndLong, help: "Where to write: .safetensors (key latents).",
      completion: .file(extensions: ["safetensors"]))
    var output: String

    @Flag(help: "Draw from the latents' distribution, and do not take its mean.")
    var samplePosterior = false

    @Option(parsing: .unconditional, help: "The seed of that draw; 'random' draws one and says which.")
    var seed = Seed(0)

    @OptionGroup var tiling: TilingOptions
    @OptionGroup var compute: ComputeOptions

    func run() throws {
      try compute.apply()
      let target = try OutputKind(output, [.safetensors])
      try target.check()
      let folder = try VAEFolder(URL(argument: model, "<model>"))
      let tiles = try tiling.tiles(folder.config)
      let picture = try folder.config.picture(image)
      tiles.announce(folder.config, size: (picture.height, picture.width), count: 1)
      let autoencoder = try folder.vae()
      let posterior = LatentSpace(autoencoder, tiles: tiles).posterior(
        picture.batch(channels: folder.config.inChannels))
      var latents = posterior.mean
      if samplePosterior {
        seed.announce()
        var noise = Generator.philox.source(seed: seed.value)
        latents = posterior.sample(noise.normal(latents.shape, .posterior, step: 0))
      }
      try SafetensorsWriter.write([("latents", autoencoder.scaled(latents))], to: target.url)
    }
  }

  struct Decode: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Decode latents, as a denoiser leaves them, to pictures.")

    @Argument(help: "The model's folder.", completion: .directory)
    var model: String

    @Argument(
      help: "A .safetensors (key latents, shape [N, C, H, W]).",
      completion: .file(extensions: ["safetensors"]))
    var latents: String

    @Option(
      name: .shortAndLong,
      help: "Where to write: .png, .jpg, or .safetensors for floats in [-1, 1] (key images).",
      completion: .file(extensions: ["png", "jpg", "jpeg", "safetensors"]))
    var output: String

    @Option(help: "Pictures in memory at a time; changes nothing in them.")
    var batchSize = 16

    @OptionGroup var tiling: TilingOptions
    @OptionGroup var compute: ComputeOptions

    func validate() throws {
      try require((1...65_536).contains(batchSize), "--batch-size must be from 1 to 65536.")
    }

    func run() throws {
      try compute.apply()
      let target = try OutputKind(output)
      try target.check()
      let folder = try VAEFolder(URL(argument: model, "<model>"))
      let tiles = try tiling.tiles(folder.config)
      let channels = folder.config.latentChannels
      let z = try SafetensorsFile(URL(argument: latents, "<latents>")).tensor("latents")
      guard z.shape.count == 4, z.shape[1] == channels, z.count > 0 else {
        throw Failure(
          "\(latents) holds latents of shape \(z.shape); \(model) needs [N, \(channels), H, W].")
      }
      guard target.form == .safetensors || [1, 3].contains(folder.config.outChannels) else {
        throw Failure(
          "\(model) decodes to \(folder.config.outChannels) channels; a picture has 1 or 3, so --output must end in "
            + ".safetensors.")
      }
      if let (index, value) = z.firstNotFinite {
        throw Failure(
          "\(latents) holds \(value) in 'latents' (value \(index)), which no picture can be decoded from.")
      }
      let size = (
        height: z.shape[2] * folder.config.downsampling, width: z.shape[3] * folder.config.downsampling
      )
      let count = z.shape[0]
      var sink = try PictureSink(target, .together(Grid()), count: count, size: size)
      tiles.announce(folder.config, size: size, count: count)
      let space = LatentSpace(try folder.vae(), batchSize: batchSize, tiles: tiles)
      for first in stride(from: 0, to: count, by: batchSize) {
        let images = space.decoded(z.rows(first..<min(first + batchSize, count)))
        try sink.take(images, first: first) { _ in nil }
        Console.progress("decoded \(first + images.shape[0])/\(count)")
      }
      try sink.finish()
    }
  }

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Encode pictures and decode them again, and say how far the result is from what went in.")

    @Argument(help: "The model's folder.", completion: .directory)
    var model: String

    @Argument(help: "PNG and JPEG files.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
    var images: [String]

    @OptionGroup var tiling: TilingOptions
    @OptionGroup var compute: ComputeOptions

    func run() throws {
      try compute.apply()
      let folder = try VAEFolder(URL(argument: model, "<model>"))
      let config = folder.config
      let tiles = try tiling.tiles(config)
      guard config.outChannels == config.inChannels else {
        throw Failure("\(model) decodes to \(config.outChannels) channels what had \(config.inChannels).")
      }
      // All are looked at before any is computed.
      for image in images { _ = try config.picture(image) }
      let space = LatentSpace(try folder.vae(), tiles: tiles)
      var (squares, pixels) = (0.0, 0)
      var moments = (sum: 0.0, squares: 0.0, count: 0)
      for image in images {
        let picture = try config.picture(image)
        let batch = picture.batch(channels: config.inChannels)
        let latents = space.encoded(batch)
        let decoded = space.decoded(latents)
        for (name, tensor) in [("latents", latents), ("decoded values", decoded)] {
          guard let (_, value) = tensor.firstNotFinite else { continue }
          throw Failure("\(image): the \(name) hold \(value): the autoencoder's numbers run away on it.")
        }
        let difference = PictureDifference(Picture.batch(batch)[0], Picture.batch(decoded)[0])
        try Console.print(
          "\(image): \(picture.width)x\(picture.height), PSNR \(format(difference.psnr)) dB, off by "
            + "\(format(difference.mean)) of 255 on average and \(difference.most) at most")
        squares += difference.meanSquared * Double(picture.width * picture.height)
        pixels += picture.width * picture.height
        for value in latents.values {
          moments.sum += Double(value)
          moments.squares += Double(value * value)
        }
        moments.count += latents.count
      }
      let mean = moments.sum / Double(moments.count)
      let deviation = max(0, moments.squares / Double(moments.count) - mean * mean).squareRoot()
      try Console.print(
        "all \(images.count): PSNR \(format(PictureDifference.psnr(meanSquared: squares / Double(pixels)))) dB; scaled "
          + "latents have a mean of \(format(mean)) and a deviation of \(format(deviation)), where 0 and 1 are aimed at"
      )
    }

    private func format(_ value: Double) -> String { String(format: "%.2f", value) }
  }
}

extension AutoencoderKLConfig {
  /// A picture that this autoencoder can encode.
  ///
  /// - Throws: `PictureError`, or `Failure` for another size or number of channels.
  fileprivate func picture(_ path: String) throws -> Picture {
    guard [1, 3].contains(inChannels) else {
      throw Failure("this autoencoder encodes \(inChannels) channels; pictures have 1 or 3.")
    }
    let picture = try DecodedPicture(contentsOf: URL(argument: path, "<image>")).picture
    guard picture.width % downsampling == 0, picture.height % downsampling == 0 else {
      throw Failure(
        "\(path) is \(picture.width)x\(picture.height); this autoencoder needs multiples of \(downsampling) on both sides."
      )
    }
    return picture
  }
}

extension Picture {
  /// This picture as a batch of one, [1, C, H, W] in [-1, 1].
  fileprivate func batch(channels: Int) -> Tensor {
    Tensor(planarFloats(channels: channels), shape: [1, channels, height, width])
  }
}
