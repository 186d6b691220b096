import Files
import Foundation

/// Pictures one after another in one file: a PNG with the animation chunks of PNG's third edition (12.6), of which
/// programs without animation show the first frame.
public struct AnimatedPNG: Sendable, Hashable {
  /// The frames, all of one size; at least one.
  public var frames: [Picture]
  /// How long each but the last is shown, in milliseconds from 0 to 65,535.
  public var delay: Int
  /// How long the last frame is shown, in milliseconds.
  public var lastDelay: Int
  /// How often it is shown; 0 for ever.
  public var loops: Int

  /// An animation.
  public init(_ frames: [Picture], delay: Int, lastDelay: Int? = nil, loops: Int = 0) {
    precondition(!frames.isEmpty, "an animation of no pictures")
    precondition(
      frames.allSatisfy { $0.width == frames[0].width && $0.height == frames[0].height },
      "frames of two sizes")
    precondition(0...65_535 ~= delay && 0...65_535 ~= lastDelay ?? 0, "a delay of \(delay) ms")
    precondition(0...Int(Int32.max) ~= loops, "\(loops) loops")
    self.frames = frames
    self.delay = delay
    self.lastDelay = lastDelay ?? delay
    self.loops = loops
  }

  /// The file. Of every frame but the first only the rectangle is stored that differs from the frame before it.
  ///
  /// - Parameters:
  ///   - texts: as for `Picture.pngData`.
  ///   - file: the name for errors.
  /// - Throws: `PictureError` with `.unusableText` or `.unencodable`.
  public func data(texts: [TextChunk] = [], file: String = "the PNG") throws(PictureError) -> Data {
    let first = PNGChunk.all(in: try frames[0].pngData(texts: texts, file: file))
    var output = PNGChunk.signature
    var sequence: UInt32 = 0
    func control(_ number: Int, _ part: Mask.Rectangle) -> PNGChunk {
      let sides = [sequence, UInt32(part.width), UInt32(part.height), UInt32(part.x), UInt32(part.y)]
      let duration = number == frames.count - 1 ? lastDelay : delay
      sequence += 1
      // Milliseconds over 1000; neither dispose of the frame afterwards nor blend it with the one before.
      let rest = PNGChunk.bigEndian(UInt16(duration)) + PNGChunk.bigEndian(UInt16(1000)) + [0, 0]
      return PNGChunk(type: "fcTL", data: sides.flatMap { PNGChunk.bigEndian($0) } + rest)
    }
    for chunk in first.prefix(while: { $0.type != "IDAT" }) {
      output += chunk.bytes
      guard chunk.type == "IHDR" else { continue }
      let counts = PNGChunk.bigEndian(UInt32(frames.count)) + PNGChunk.bigEndian(UInt32(loops))
      output += PNGChunk(type: "acTL", data: counts).bytes
    }
    output += control(0, .init(x: 0, y: 0, width: frames[0].width, height: frames[0].height)).bytes
    for chunk in first where chunk.type == "IDAT" { output += chunk.bytes }
    for (number, frame) in frames.enumerated().dropFirst() {
      let part = Self.changed(from: frames[number - 1], to: frame)
      output += control(number, part).bytes
      let picture = frame.cropped(x: part.x, y: part.y, width: part.width, height: part.height)
      for chunk in PNGChunk.all(in: try picture.pngData(file: file)) where chunk.type == "IDAT" {
        output += PNGChunk(type: "fdAT", data: PNGChunk.bigEndian(sequence) + chunk.data).bytes
        sequence += 1
      }
    }
    return Data(output + PNGChunk(type: "IEND", data: []).bytes)
  }

  /// Writes the file whole or not at all.
  ///
  /// - Throws: `PictureError` where it cannot be encoded or `url` does not end in `.png`, `FileError` where it cannot
  ///   be written.
  public func write(to url: URL, texts: [TextChunk] = []) throws {
    let file = url.relativePath
    guard PictureFormat(extension: url.pathExtension) == .png else {
      throw PictureError(.unknownExtension, file: file)
    }
    try AtomicFile.write(data(texts: texts, file: file), to: url)
  }

  /// The smallest rectangle outside of which two pictures are equal; one pixel where all are, as a frame has one.
  private static func changed(from before: Picture, to after: Picture) -> Mask.Rectangle {
    let differs = (0..<after.width * after.height).map { pixel -> UInt8 in
      let bytes = 3 * pixel..<3 * pixel + 3
      return before.pixels[bytes] == after.pixels[bytes] ? 0 : 255
    }
    return Mask(width: after.width, height: after.height, values: differs).bounds
      ?? .init(x: 0, y: 0, width: 1, height: 1)
  }
}
