import Foundation
import Pictures
import XCTest

final class AnimatedPNGTests: XCTestCase {
  private func integer(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

  /// A dot that walks, then stands still, then everything changes.
  private func frames() -> [Picture] {
    var frames: [Picture] = []
    for step in [2, 5, 5, 9] {
      var picture = Picture(width: 14, height: 8, color: RGB(20, 40, 90))
      picture[step, step / 2] = .white
      frames.append(picture)
    }
    return frames + [testPicture(width: 14, height: 8)]
  }

  /// Plays a file by the specification: each frame's rectangle, decoded by itself, replaces what was there.
  private func played(_ data: Data) throws -> (frames: [Picture], delays: [Int], rectangles: [[Int]]) {
    let chunks = PNGChunk.all(in: data)
    let header = try XCTUnwrap(chunks.first)
    var (frames, delays, rectangles): ([Picture], [Int], [[Int]]) = ([], [], [])
    var (control, image): (PNGChunk?, [UInt8]) = (nil, [])
    var sequence = 0

    func finish() throws {
      guard let control else { return }
      let fields = stride(from: 4, to: 20, by: 4).map { integer(control.data[$0..<$0 + 4]) }
      let sizes = Array(control.data[4..<12]) + header.data[8...]
      let file =
        PNGChunk.signature + PNGChunk(type: "IHDR", data: sizes).bytes
        + PNGChunk(type: "IDAT", data: image).bytes + PNGChunk(type: "IEND", data: []).bytes
      let part = try DecodedPicture(bytes: file, file: "frame.png").picture
      XCTAssertEqual([part.width, part.height], Array(fields[..<2]))
      var frame = frames.last ?? Picture(width: part.width, height: part.height, color: .black)
      for y in 0..<part.height {
        for x in 0..<part.width { frame[fields[2] + x, fields[3] + y] = part[x, y] }
      }
      frames.append(frame)
      rectangles.append(fields)
      delays.append(integer(control.data[20..<22]))
      XCTAssertEqual(integer(control.data[22..<24]), 1000)
      XCTAssertEqual(Array(control.data[24...]), [0, 0], "neither disposal nor blending")
    }

    for chunk in chunks {
      switch chunk.type {
      case "fcTL", "fdAT":
        if chunk.type == "fcTL" {
          try finish()
          (control, image) = (chunk, [])
        } else {
          image += chunk.data[4...]
        }
        XCTAssertEqual(integer(chunk.data[..<4]), sequence, "sequence numbers rise by one")
        sequence += 1
      case "IDAT":
        XCTAssertEqual(frames.count, 0, "the still picture is the first frame")
        image += chunk.data
      default: break
      }
    }
    try finish()
    return (frames, delays, rectangles)
  }

  func testPlaysBack() throws {
    let animation = AnimatedPNG(frames(), delay: 80, lastDelay: 1500, loops: 3)
    let text = TextChunk(keyword: "parameters", text: "Steps: 3")
    let data = try animation.data(texts: [text])
    let played = try played(data)
    XCTAssertEqual(played.frames, frames())
    XCTAssertEqual(played.delays, [80, 80, 80, 80, 1500])
    XCTAssertEqual(
      played.rectangles, [[14, 8, 0, 0], [4, 2, 2, 1], [1, 1, 0, 0], [5, 3, 5, 2], [14, 8, 0, 0]])
    let types = PNGChunk.all(in: data).map(\.type)
    XCTAssertEqual(types.prefix(5), ["IHDR", "acTL", "tEXt", "fcTL", "IDAT"])
    XCTAssertEqual(types.last, "IEND")
    let counts = try XCTUnwrap(PNGChunk.all(in: data).first { $0.type == "acTL" }).data
    XCTAssertEqual([integer(counts[..<4]), integer(counts[4...])], [5, 3])
  }

  /// Who knows nothing of animations sees the first frame and its texts.
  func testIsAnOrdinaryPNG() throws {
    let url = try temporaryFolder(self).appendingPathComponent("a.png")
    let text = TextChunk(keyword: "Title", text: "猫")
    try AnimatedPNG(frames(), delay: 100).write(to: url, texts: [text])
    let decoded = try DecodedPicture(contentsOf: url)
    XCTAssertEqual(decoded.picture, frames()[0])
    XCTAssertEqual(decoded.texts, [text])
    XCTAssertEqual(
      pictureErrorCause {
        try AnimatedPNG(frames(), delay: 1).write(
          to: url.deletingPathExtension().appendingPathExtension("jpg"))
      }, .unknownExtension)
  }

  func testOneFrame() throws {
    XCTAssertEqual(try played(AnimatedPNG([testPicture()], delay: 0).data()).frames, [testPicture()])
  }
}
