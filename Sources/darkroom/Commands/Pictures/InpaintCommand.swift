import ArgumentParser
import Files
import Foundation
import Pictures
import Pipelines
import TensorCore

/// `darkroom inpaint`: part of a picture painted anew, every other pixel as it was.
struct InpaintCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inpaint",
    abstract: "Paint part of a picture anew, in keeping with the rest, which stays identical to the byte.",
    discussion: """
      Where the mask is black, the result has the very samples of the picture's file, in its own bit depth and mode, \
      also where a model of latents paints. The picture may have any size: what is painted is brought to a size that the \
      model allows, and back.

      A model that was made for it (an inpainting U-Net, of nine channels with latents) is shown the mask and what is around \
      the hole, and paints in keeping with both, without --method.

      With --rng torch the mask that the steps see is black and white, cut as diffusers cuts it; what is written still blends \
      where it is grey.

      EXAMPLES
        darkroom inpaint run photo.png --mask hole.png --output mended.png
        darkroom inpaint run photo.jpg --mask-box 40,60,128,96 --feather 4 --crop-to-mask --output mended.png
        darkroom inpaint run photo.png --expand 64,0,64,0 --method repaint --output wider.png
      """)

  @Argument(help: "The model's folder.", completion: .directory)
  var model: String

  @Argument(help: "The picture: PNG or JPEG.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
  var image: String

  @Option(
    name: .shortAndLong,
    help: "Where to write: .png, or .safetensors for the floats of the raw result (key images).",
    completion: .file(extensions: ["png", "safetensors"]))
  var output: String

  @OptionGroup var masking: MaskOptions

  @Option(
    parsing: .unconditional,
    help: "The share of the schedule, above 0 and up to 1, that the painted part goes through.")
  var strength = 1.0

  @Option(help: "How both parts are brought together: blend, or repaint for RePaint's jumps back.")
  var method = Inpainting.Method.blend

  @Option(help: "Of --method repaint: how many steps a jump goes back.")
  var jumpLength = 5

  @Option(help: "Of --method repaint: how often each stretch is gone.")
  var resamplings = 5

  @Option(
    help: "What the hole starts from: original, blur (what is around it), noise, or nothing.")
  var fill = HoleFill.original

  @Flag(help: "Work on what is around the mask alone, at the model's own size.")
  var cropToMask = false

  @Option(help: "Of --crop-to-mask: pixels around the mask that are seen.")
  var padding = 32

  @Option(
    help: "The size that is worked at, as WIDTHxHEIGHT. (default: the picture's where the model suits it)")
  var size: String?

  @Option(help: "on keeps every pixel of the picture that is not painted; off writes the raw result.")
  var paste = Paste.on

  @OptionGroup var edit: EditOptions

  enum Paste: String, ExpressibleByArgument, CaseIterable { case on, off }

  func validate() throws {
    try EditOptions.check(strength: strength)
    if !(0...4096).contains(padding) { throw ValidationError("--padding must be from 0 to 4096.") }
    if !(1...1000).contains(jumpLength) { throw ValidationError("--jump-length must be from 1 to 1000.") }
    if !(1...1000).contains(resamplings) { throw ValidationError("--resamplings must be from 1 to 1000.") }
    if method == .repaint && edit.stepsMode == .diffusers {
      throw ValidationError(
        "--steps-mode diffusers does not go with --method repaint, which diffusers counts otherwise.")
    }
  }

  func run() throws {
    try edit.sampling.compute.apply()
    let target = try OutputKind(output)
    if target.form == .jpeg && paste == .on {
      throw Failure.usage(
        "--output \(output): JPEG cannot keep pixels as they were; use .png, or --paste off.")
    }
    let url = try URL(argument: image, "<image>")
    let (canvas, mask) = try masking.canvas(try StoredPicture(contentsOf: url), named: image)
    guard !mask.isWhite else {
      throw Failure(
        "the mask is white all over, so that nothing of \(image) is kept to blend with; use img2img.")
    }
    let folder = try ModelFolder(URL(argument: model, "<model>"))
    if folder.config.isInpainting && method == .repaint {
      throw Failure(
        "--method repaint does not go with \(model), whose network sees what is around the hole at every step; leave it out."
      )
    }
    let (region, size) = try workplace(canvas, mask, folder)
    let sampling = try Sampling(
      folder, named: model, edit.sampling.request, perPrompt: edit.sampling.numbers.count,
      size: try SizeOptions.parsed(size), hasHole: true)
    let edit = try Edit(
      edit, sampling, strength: strength,
      route: method == .repaint
        ? { $0.route($1, jumps: jumpLength, resamplings: resamplings) } : nil)
    try target.check()
    if mask.isBlack {
      Console.note("the mask is black all over: nothing to paint; \(image) is written as it is")
      guard target.form == .png else {
        throw Failure("--output \(output): what is written as it is, is a .png.")
      }
      return try canvas.write(to: target.url, texts: canvas.texts)
    }
    if region.width != sampling.size.width || region.height != sampling.size.height || cropToMask {
      Console.note(
        "\(region.width)x\(region.height) at \(region.x),\(region.y) is worked on at "
          + "\(sampling.size.width)x\(sampling.size.height)")
    }
    if canvas.hasTransparency {
      Console.note("\(image): its transparency is seen on #\(edit.options.background)")
    }

    let inputs = try masking.hash().merging([image: SHA256.hex(of: url)]) { _, image in image }
    var sink = try PictureSink(
      target,
      paste == .on && target.form == .png
        ? .pasted(Pasting(canvas: canvas, mask: mask, region: region)) : .together(Grid()),
      count: edit.run.count, size: sampling.size)
    var hole = Hole(
      edit,
      canvas.picture(over: edit.options.color ?? .white)
        .cropped(x: region.x, y: region.y, width: region.width, height: region.height)
        .resized(width: sampling.size.width, height: sampling.size.height),
      mask.cropped(region).resized(width: sampling.size.width, height: sampling.size.height),
      fill: fill, method: method, isWhole: strength == 1)
    try edit.run.draw(into: &sink) { pictures, loaded, noise in
      hole.beginning(pictures.count, loaded.codec, &noise)
    } recording: { recipe in
      edit.record(image: image, inputs: inputs, in: &recipe)
      (recipe.fill, recipe.mask) = (fill.rawValue, masking.mask)
      recipe.method = folder.config.isInpainting ? nil : method.rawValue
      if method == .repaint { (recipe.jumpLength, recipe.resamplings) = (jumpLength, resamplings) }
    }
  }

  /// The part of the canvas that is worked on, and the size that it is worked at as WIDTHxHEIGHT.
  private func workplace(
    _ canvas: StoredPicture, _ mask: Mask, _ folder: ModelFolder
  ) throws -> (Mask.Rectangle, String) {
    let factor = folder.vae?.config.downsampling ?? 1
    let multiple = folder.config.sizeMultiple * factor
    let native = folder.config.nativeSize.map { (width: $0.width * factor, height: $0.height * factor) }
    var region = Mask.Rectangle(x: 0, y: 0, width: canvas.width, height: canvas.height)
    if cropToMask, let bounds = mask.bounds {
      region = bounds.padded(
        by: padding, proportions: native ?? (1, 1), within: canvas.width, canvas.height)
    }
    if let size { return (region, size) }
    let isOwn = region.width % multiple == 0 && region.height % multiple == 0
    guard let native else {
      guard isOwn else {
        throw Failure("\(model) does not say its size; add --size WIDTHxHEIGHT, multiples of \(multiple).")
      }
      return (region, "\(region.width)x\(region.height)")
    }
    // As many pixels as the model was made for, or the picture's own where these are not far from it.
    let share = Double(region.width * region.height) / Double(native.width * native.height)
    if isOwn && (cropToMask ? 1...2 : 0.5...4).contains(share) {
      return (region, "\(region.width)x\(region.height)")
    }
    func side(_ length: Int) -> Int {
      max(1, Int((Double(length) / share.squareRoot() / Double(multiple)).rounded())) * multiple
    }
    return (region, "\(side(region.width))x\(side(region.height))")
  }
}

extension Inpainting.Method: ExpressibleByArgument {}

extension InpaintCommand: ReplayableCommand {
  mutating func aim(at recipe: Recipe, _ file: URL) throws -> URL {
    let way: URL?
    (output, way) = edit.sampling.aim(at: recipe, file)
    if let way { return way }
    guard paste == .on, edit.sampling.numbers.count > 1 else { return file }
    return try edit.sampling.numbers.aim(at: recipe, among: file)
  }
}
