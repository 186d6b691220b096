import ArgumentParser
import Files
import Foundation
import Pictures
import Pipelines
import TensorCore

/// `darkroom img2img`: a picture, noised and denoised again.
struct Img2ImgCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "img2img",
    abstract: "Make pictures of a picture.",
    discussion: """
      The picture is brought to the model's size, noised to the level that --strength asks for, and denoised from \
      there. 0.2 keeps nearly all of it, 0.8 little more than its colours and large shapes.

      EXAMPLES
        darkroom img2img run photo.jpg --strength 0.6 --output painted.png
        darkroom img2img run sketch.png --class star --guidance-scale 3 --count 4 --output stars.png
      """)

  @Argument(help: "The model's folder.", completion: .directory)
  var model: String

  @Argument(help: "The picture: PNG or JPEG.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
  var image: String

  @Option(
    name: .shortAndLong,
    help: "Where to write: .png, .jpg, or .safetensors for floats in [-1, 1] (key images).",
    completion: .file(extensions: ["png", "jpg", "jpeg", "safetensors"]))
  var output: String

  @Option(
    parsing: .unconditional,
    help: "The share of the schedule, above 0 and up to 1, that the picture goes through.")
  var strength = 0.75

  @OptionGroup var fitting: FittingOptions
  @OptionGroup var sizing: SizeOptions
  @OptionGroup var arrangement: ArrangementOptions
  @OptionGroup var edit: EditOptions

  func validate() throws {
    try EditOptions.check(strength: strength)
  }

  func run() throws {
    try edit.sampling.compute.apply()
    let target = try OutputKind(output)
    let url = try URL(argument: image, "<image>")
    let decoded = try DecodedPicture(
      contentsOf: url, options: DecodingOptions(background: edit.color ?? .white))
    let sampling = try Sampling(
      try ModelFolder(URL(argument: model, "<model>")), named: model, edit.sampling.request,
      perPrompt: edit.sampling.numbers.count, size: try sizing.parsed())
    let edit = try Edit(edit, sampling, strength: strength)
    var sink = try PictureSink(
      target, arrangement.arrangement(count: edit.run.count), count: edit.run.count, size: sampling.size)
    let inputs = [image: try SHA256.hex(of: url)]

    let picture = fitting.fitted(decoded.picture, sampling.size, on: edit.options.color ?? .white)
    fitting.announce(decoded, sampling.size, background: edit.options.background, named: image)
    let isFitted = decoded.picture.width != picture.width || decoded.picture.height != picture.height
    // The same for all pictures, however many batches they come in.
    var known: Tensor?
    try edit.run.draw(into: &sink) { pictures, loaded, noise in
      let x0 = known ?? edit.encoded(sampling.tensor(of: picture), loaded.codec, noise: &noise)
      known = x0
      return Beginning(
        start: .picture(
          x0.repeated(pictures.count),
          noise: noise.normal(sampling.shape(count: pictures.count), .initialLatents, step: 0)))
    } recording: { recipe in
      edit.record(image: image, inputs: inputs, in: &recipe)
      recipe.fit = isFitted ? fitting.fit.rawValue : nil
    }
  }
}

extension Img2ImgCommand: ReplayableCommand {
  mutating func aim(at recipe: Recipe, _ file: URL) throws -> URL {
    let way: URL?
    (output, way) = edit.sampling.aim(at: recipe, file)
    if let way { return way }
    guard arrangement.separate, edit.sampling.numbers.count > 1 else { return file }
    return try edit.sampling.numbers.aim(at: recipe, among: file)
  }
}
