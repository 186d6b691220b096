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

  @Option(help: "The share of the schedule, above 0 and up to 1, that the picture goes through.")
  var strength = 0.75

  @Option(help: "How it is brought to the size: crop (cut what is too much), pad (add borders), stretch.")
  var fit = Fit.crop

  @Option(help: "Size as WIDTHxHEIGHT. (default: the model's own)")
  var size: String?

  @Option(help: "Columns of the grid that several pictures make. (default: as square as can be)")
  var columns: Int?

  @Option(help: "Pixels between the pictures of the grid.")
  var padding = 2

  @Flag(help: "One file a picture, by the picture's number: out-0000.png, out-0001.png, …")
  var separate = false

  @OptionGroup var edit: EditOptions

  enum Fit: String, ExpressibleByArgument, CaseIterable { case crop, pad, stretch }

  func validate() throws {
    try EditOptions.check(strength: strength)
    if let columns, columns < 1 { throw ValidationError("--columns must be at least 1.") }
    if padding < 0 || padding > 4096 { throw ValidationError("--padding must be from 0 to 4096.") }
  }

  func run() throws {
    try edit.compute.apply()
    let target = try OutputKind(output)
    let url = try URL(argument: image, "<image>")
    let decoded = try DecodedPicture(
      contentsOf: url, options: DecodingOptions(background: edit.color ?? .white))
    let sampling = try Sampling(
      try ModelFolder(URL(argument: model, "<model>")), classes: edit.classes, prompts: edit.prompts,
      perPrompt: edit.count, guidance: edit.guidance,
      size: try SizeOptions.parsed(size, width: nil, height: nil))
    let run = try Edit(edit, sampling, strength: strength)
    let arrangement: PictureSink.Arrangement =
      separate && edit.count > 1 ? .separate : .together(Grid(columns: columns, padding: padding))
    var sink = try PictureSink(target, arrangement, count: edit.count, size: sampling.size)
    let inputs = [image: try SHA256.hex(of: url)]

    let picture = fitted(decoded.picture, sampling.size)
    say(decoded, sampling.size)
    let codec = try run.codec()
    var noise = run.noise
    let x0 = run.encoded(picture, codec, noise: &noise)
    let shape = sampling.shape(count: edit.count)
    let start = Start.picture(
      .stacked((0..<edit.count).map { _ in x0 }), noise: noise.normal(shape, .initialLatents, step: 0))
    let result = try run.run(from: start, noise: &noise)
    let isFitted = decoded.picture.width != picture.width || decoded.picture.height != picture.height
    try sink.take(codec?.decoded(result) ?? result, first: edit.firstIndex) { number in
      var recipe = run.recipe(number, model: model, image: image, inputs: inputs, strength: strength)
      recipe.fit = isFitted ? fit.rawValue : nil
      return recipe
    }
    try sink.finish()
    Console.note("\(sink.summary): \(edit.count.counted("picture")), seed \(edit.seed.value)")
  }

  private func fitted(_ picture: Picture, _ size: (height: Int, width: Int)) -> Picture {
    if picture.width == size.width && picture.height == size.height { return picture }
    switch fit {
    case .crop: return picture.resizedToFill(width: size.width, height: size.height)
    case .stretch: return picture.resized(width: size.width, height: size.height)
    case .pad:
      return picture.resizedToFit(width: size.width, height: size.height, background: edit.color ?? .white)
    }
  }

  /// What was done to the picture that a person might not expect.
  private func say(_ decoded: DecodedPicture, _ size: (height: Int, width: Int)) {
    let (w, h) = (decoded.picture.width, decoded.picture.height)
    var said: [String] = []
    if w != size.width || h != size.height {
      let how =
        w * size.height == h * size.width
        ? "" : [.crop: ", cropped at its middle", .pad: ", padded", .stretch: ", stretched"][fit] ?? ""
      said.append("\(w)x\(h) brought to \(size.width)x\(size.height)\(how)")
    }
    if decoded.hadAlpha { said.append("its transparency laid on #\(edit.background)") }
    if decoded.orientation != .upright { said.append("turned upright") }
    if !said.isEmpty { Console.note("\(image): " + said.joined(separator: "; ")) }
  }
}

extension Img2ImgCommand: ReplayableCommand {
  mutating func aim(at recipe: Recipe, _ file: URL) throws -> URL {
    output = file.path
    guard separate, edit.count > 1 else { return file }
    if edit.rng == .torch { return try OutputKind(output).numbered(recipe.imageIndex) }
    (edit.count, edit.firstIndex) = (1, recipe.imageIndex)
    return file
  }
}
