import Pictures

/// 1 megapixel: an input of a few bytes may then cost a few milliseconds.
private let limits = PictureLimits(maxSide: 50_000, maxPixels: 1_000_000)

/// Both ways of reading a PNG. What is read as stored is written and read again, and must be what it was.
func readPNG(_ input: [UInt8]) throws {
  let bytes = repaired(input)
  let decoded = try? DecodedPicture(bytes: bytes, file: "input.png", options: DecodingOptions(limits: limits))
  guard let stored = try? StoredPicture(bytes: bytes, file: "input.png", limits: limits) else {
    return try require(decoded?.format != .png, "a PNG that decodes but is not read as stored")
  }
  try require(decoded?.picture == stored.picture(), "a PNG's two readings differ")
  _ = Mask.Reading(stored)
  guard let data = try? stored.pngData() else { return }
  let again = try? StoredPicture(bytes: [UInt8](data), file: "again.png", limits: limits)
  try require(
    again?.samples == stored.samples && again?.mode == stored.mode, "a PNG is not written as it was read")
}

/// A JPEG with what EXIF and comments say.
func readJPEG(_ input: [UInt8]) throws {
  let options = DecodingOptions(limits: limits)
  guard let decoded = try? DecodedPicture(bytes: input, file: "input.jpg", options: options) else { return }
  _ = try? Recipe.find(in: decoded.texts, file: "input.jpg")
  guard let texts = try? decoded.picture.jpegData(texts: decoded.texts) else { return }
  let again = try? DecodedPicture(bytes: [UInt8](texts), file: "again.jpg", options: options)
  try require(again?.texts.count == decoded.texts.count, "a JPEG's texts are not written as they were read")
}

/// The chunks with right checksums, which no mutation would keep right; what is no chunk stays as it is.
private func repaired(_ input: [UInt8]) -> [UInt8] {
  var output = Array(input.prefix(8))
  var at = 8
  while input.count - at >= 12 {
    let length = input[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
    guard length <= input.count - at - 12 else { break }
    let type = String(decoding: input[at + 4..<at + 8], as: Unicode.ASCII.self)
    guard type.utf8.count == 4 else { break }
    output += PNGChunk(type: type, data: Array(input[at + 8..<at + 8 + length])).bytes
    at += 12 + length
  }
  return output + input[min(at, input.count)...]
}
