import ArgumentParser
import Foundation
import Pictures

extension ControlCommand {
  struct MaskPicture: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "mask",
      abstract: "A mask, white where a picture is bright or transparent, as inpainting takes it.",
      discussion: "In this order: what is white, --invert, --grow, --feather.")

    @OptionGroup var files: Files

    @Option(help: "The brightness from which on a pixel is white, from 1 to 255.")
    var threshold = 128

    @Flag(help: "Keep greys as they are, in place of a threshold.")
    var soft = false

    @Flag(help: "Make white what is transparent, whatever its colour.")
    var alpha = false

    @Flag(help: "Black for white.")
    var invert = false

    @Option(parsing: .unconditional, help: "Pixels by which white grows; fewer than 0 shrink it.")
    var grow = 0

    @Option(help: "The deviation of a Gaussian that softens the edge, in pixels.")
    var feather = 0.0

    func validate() throws {
      if !(1...255 ~= threshold) { throw ValidationError("--threshold must be from 1 to 255.") }
      if !(-4096...4096 ~= grow) { throw ValidationError("--grow must be from -4096 to 4096.") }
      if !(0...1000 ~= feather) { throw ValidationError("--feather must be from 0 to 1000.") }
    }

    func run() throws {
      let target = try OutputKind(picture: files.output)
      let url = try URL(argument: files.image, "<image>")
      var mask: Mask
      if alpha {
        let picture = try StoredPicture(contentsOf: url)
        guard picture.hasTransparency else {
          throw Failure("\(files.image) has no transparency; leave --alpha away to go by its brightness.")
        }
        mask = Mask(transparencyOf: picture)
      } else {
        let reading = try Mask.read(contentsOf: url)
        if let note = reading.note { Console.note("\(files.image): \(note)") }
        mask = reading.mask
      }
      if !soft { mask = mask.cut(at: UInt8(threshold)) }
      if invert { mask = mask.inverted }
      try mask.grown(grow).feathered(feather).picture.write(to: target.url)
    }
  }
}
