import ArgumentParser
import Files
import Foundation
import Pictures

/// Where a picture is painted anew.
struct MaskOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The mask: white is painted anew, grey blends, black is kept. A PNG or JPEG, or alpha for what is transparent.",
      valueName: "file|alpha"),
    completion: .file(extensions: ["png", "jpg", "jpeg"]))
  var mask: String?

  @Option(help: ArgumentHelp("Paint a rectangle anew, in pixels.", valueName: "x,y,width,height"))
  var maskBox: String?

  @Option(
    help: ArgumentHelp(
      "Paint beyond the picture, so many pixels at each side.", valueName: "left,top,right,bottom"))
  var expand: String?

  @Flag(help: "Take black for white.")
  var invertMask = false

  @Option(
    parsing: .unconditional, help: "Grow what is painted anew by so many pixels; below 0, shrink it.")
  var grow = 0

  @Option(help: "Soften the mask's border by a Gaussian of so many pixels' deviation.")
  var feather = 0.0

  func validate() throws {
    if mask == nil && maskBox == nil && expand == nil {
      throw ValidationError("nothing says where to paint; give --mask, --mask-box or --expand.")
    }
    if mask != nil && maskBox != nil { throw ValidationError("--mask and --mask-box exclude each other.") }
    if !(-1024...1024).contains(grow) { throw ValidationError("--grow must be from -1024 to 1024.") }
    if !(0...256).contains(feather) { throw ValidationError("--feather must be from 0 to 256.") }
    if mask == nil && maskBox == nil && invertMask {
      throw ValidationError("--invert-mask goes with --mask or --mask-box.")
    }
  }

  /// The picture that is painted on, and where.
  ///
  /// - Parameter stored: as its file has it.
  /// - Throws: `Failure`, or `PictureError` for a mask that cannot be read.
  func canvas(_ stored: StoredPicture, named name: String) throws -> (picture: StoredPicture, mask: Mask) {
    var own = try given(stored, named: name) ?? Mask(width: stored.width, height: stored.height, value: 0)
    if invertMask { own = own.inverted }
    guard let expand else { return (stored, own.grown(grow).feathered(feather)) }
    let sides = try Self.numbers(expand, "--expand", "left,top,right,bottom", least: 0)
    let margins = Margins(left: sides[0], top: sides[1], right: sides[2], bottom: sides[3])
    guard sides.contains(where: { $0 > 0 }), sides.allSatisfy({ $0 <= 8192 }) else {
      throw Failure.usage(
        "--expand \(expand) must be from 0 to 8192 at each side, and more than 0 at one.")
    }
    return (stored.expanded(by: margins), own.expanded(by: margins).grown(grow).feathered(feather))
  }

  /// SHA-256 of the mask's file by its path; empty where there is none.
  func hash() throws -> [String: String] {
    guard let mask, mask != "alpha" else { return [:] }
    return [mask: try SHA256.hex(of: URL(argument: mask, "--mask"))]
  }

  private func given(_ stored: StoredPicture, named name: String) throws -> Mask? {
    if let maskBox {
      let box = try Self.numbers(maskBox, "--mask-box", "x,y,width,height", least: Int.min)
      guard box[2] > 0, box[3] > 0 else {
        throw Failure.usage("--mask-box \(maskBox) is empty; its sides must be above 0.")
      }
      let mask = Mask(
        rectangle: .init(x: box[0], y: box[1], width: box[2], height: box[3]), width: stored.width,
        height: stored.height)
      guard !mask.isBlack else {
        throw Failure(
          "--mask-box \(maskBox) lies outside of \(name), which is \(stored.width)x\(stored.height).")
      }
      return mask
    }
    guard let mask else { return nil }
    if mask == "alpha" {
      guard stored.hasTransparency else {
        throw Failure("--mask alpha: \(name) has no transparency; give a mask file.")
      }
      return Mask(transparencyOf: stored)
    }
    let reading = try Mask.read(contentsOf: URL(argument: mask, "--mask"))
    var notes = [reading.note].compactMap { $0 }
    let (w, h) = (reading.mask.width, reading.mask.height)
    if w != stored.width || h != stored.height {
      let isStretched = w * stored.height != h * stored.width
      notes.append(
        "\(w)x\(h) brought to the picture's \(stored.width)x\(stored.height)"
          + (isStretched ? ", stretched" : ""))
    }
    if !notes.isEmpty { Console.note("\(mask): " + notes.joined(separator: "; ")) }
    return reading.mask.resized(width: stored.width, height: stored.height)
  }

  private static func numbers(_ text: String, _ option: String, _ form: String, least: Int) throws -> [Int] {
    let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map {
      Int($0.trimmingCharacters(in: .whitespaces))
    }
    guard numbers.count == 4, let all = numbers as? [Int],
      all.allSatisfy({ $0 >= least && abs($0) <= 1 << 24 })
    else { throw Failure.usage("\(option) \(text) is not of the form \(form), in whole pixels.") }
    return all
  }
}
