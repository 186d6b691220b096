import ArgumentParser
import Foundation
import Pictures

/// How a picture is brought to the size that a model works at, for every command that begins with a whole one.
struct FittingOptions: ParsableArguments {
  @Option(help: "How it is brought to the size: crop (cut what is too much), pad (add borders), stretch.")
  var fit = Fit.crop

  enum Fit: String, ExpressibleByArgument, CaseIterable { case crop, pad, stretch }

  /// The picture at a size, laid on a colour where it is padded.
  func fitted(_ picture: Picture, _ size: (height: Int, width: Int), on color: RGB) -> Picture {
    if picture.width == size.width && picture.height == size.height { return picture }
    return switch fit {
    case .crop: picture.resizedToFill(width: size.width, height: size.height)
    case .stretch: picture.resized(width: size.width, height: size.height)
    case .pad: picture.resizedToFit(width: size.width, height: size.height, background: color)
    }
  }

  /// Says what was done to a picture that a person might not expect.
  ///
  /// - Parameters:
  ///   - background: what transparency was laid on, as RRGGBB.
  ///   - name: the picture's.
  func announce(
    _ decoded: DecodedPicture, _ size: (height: Int, width: Int), background: String, named name: String
  ) {
    let (w, h) = (decoded.picture.width, decoded.picture.height)
    var changes: [String] = []
    if w != size.width || h != size.height {
      let how =
        w * size.height == h * size.width
        ? "" : [.crop: ", cropped at its middle", .pad: ", padded", .stretch: ", stretched"][fit] ?? ""
      changes.append("\(w)x\(h) brought to \(size.width)x\(size.height)\(how)")
    }
    if decoded.hadAlpha { changes.append("its transparency laid on #\(background)") }
    if decoded.orientation != .upright { changes.append("turned upright") }
    if !changes.isEmpty { Console.note("\(name): " + changes.joined(separator: "; ")) }
  }
}
