import ArgumentParser
import Foundation
import Pictures

/// `darkroom diff`: how far two pictures are apart.
struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Say how far two pictures of one size are apart, and where.",
    discussion: """
      Compared are 8 bits a channel, transparency laid on white, EXIF rotation applied.

      EXAMPLES
        darkroom diff before.png after.png --output difference.png
      """)

  @Argument(help: "A PNG or JPEG.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
  var first: String

  @Argument(help: "Another of the same size.", completion: .file(extensions: ["png", "jpg", "jpeg"]))
  var second: String

  @Option(
    name: .shortAndLong, help: "Where to write a picture of the differences: .png or .jpg.",
    completion: .file(extensions: ["png", "jpg", "jpeg"]))
  var output: String?

  @Option(help: "What differences are multiplied by in it. (default: so that the largest is white)")
  var gain: Double?

  func validate() throws {
    if let gain, !(gain > 0 && gain <= 255) {
      throw ValidationError("--gain must be above 0 and at most 255.")
    }
    if gain != nil && output == nil {
      throw ValidationError("--gain needs --output: it changes the picture alone.")
    }
  }

  func run() throws {
    let target = try output.map { try OutputKind(picture: $0) }
    let a = try DecodedPicture(contentsOf: URL(argument: first, "<first>"))
    let b = try DecodedPicture(contentsOf: URL(argument: second, "<second>"))
    guard a.picture.width == b.picture.width, a.picture.height == b.picture.height else {
      throw Failure(
        "\(first) is \(a.picture.width)x\(a.picture.height) and \(second) is \(b.picture.width)x\(b.picture.height); "
          + "only pictures of one size can be compared.")
    }
    let difference = PictureDifference(a.picture, b.picture)
    let count = a.picture.width * a.picture.height
    let isEqual = difference.most == 0
    try Console.print("size          \(a.picture.width)x\(a.picture.height)")
    try Console.print(
      "PSNR          " + (isEqual ? "infinite: all pixels are equal" : format("%.2f dB", difference.psnr)))
    try Console.print("SSIM          " + format("%.4f", PictureDifference.ssim(a.picture, b.picture)))
    try Console.print(
      "largest       \(difference.most) of 255"
        + (isEqual ? "" : ", at column \(difference.mostX), row \(difference.mostY)"))
    try Console.print("mean          " + format("%.4f", difference.mean))
    try Console.print(
      "differing     \(difference.differingPixels) of \(count) \(count == 1 ? "pixel" : "pixels")"
        + format(" (%.2f %%)", 100 * Double(difference.differingPixels) / Double(count)))
    if a.bitDepth == 16 || b.bitDepth == 16 { try Console.print("note          16 bits were compared as 8") }
    guard let target else { return }
    let gain = self.gain ?? (isEqual ? 1 : 255 / Double(difference.most))
    try PictureDifference.picture(a.picture, b.picture, gain: gain).write(to: target.url)
    try Console.print("written       \(target.url.relativePath), differences times \(format("%.4g", gain))")
  }

  private func format(_ pattern: String, _ value: Double) -> String { String(format: pattern, value) }
}
