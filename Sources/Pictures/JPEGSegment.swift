/// One marker segment of a JPEG's header (ITU-T T.81, B.1.1.4).
struct JPEGSegment: Equatable {
  /// The second byte of its marker: 0xE1 for APP1, 0xFE for a comment.
  let marker: UInt8
  /// What stands behind the length.
  let data: [UInt8]

  static let exif: UInt8 = 0xE1
  static let comment: UInt8 = 0xFE
  /// The length field counts itself.
  static let capacity = 65_533

  /// Marker, length and data.
  var bytes: [UInt8] { [0xFF, marker] + PNGChunk.bigEndian(UInt16(data.count + 2)) + data }

  /// The segments before the first scan, up to the first that is cut short.
  static func all(in file: [UInt8]) -> [JPEGSegment] {
    var segments: [JPEGSegment] = []
    var at = 2  // the start marker
    while at + 3 < file.count, file[at] == 0xFF {
      let marker = file[at + 1]
      if marker == 0xFF {  // a fill byte
        at += 1
        continue
      }
      if marker == 0xDA || marker == 0xD9 { break }
      let length = Int(file[at + 2]) << 8 | Int(file[at + 3])
      guard length >= 2, at + 2 + length <= file.count else { break }
      segments.append(JPEGSegment(marker: marker, data: Array(file[at + 4..<at + 2 + length])))
      at += 2 + length
    }
    return segments
  }
}

/// How a JPEG keeps texts, as it has no chunks for them: `parameters` in EXIF's user comment, where the web UI keeps
/// them; any other text in a comment segment, its keyword before it and a NUL between, as PNG has it.
enum JPEGTexts {
  /// The keyword of a comment segment of another program.
  static let plainComment = "Comment"
  /// The keyword of a user comment that is no `parameters`, such as a camera's.
  static let userComment = "UserComment"

  /// Segments for these texts.
  ///
  /// - Throws: `PictureError` with `.unusableText` for one that a segment cannot hold.
  static func segments(_ texts: [TextChunk], file: String) throws(PictureError) -> [JPEGSegment] {
    var segments: [JPEGSegment] = []
    for chunk in texts {
      if let flaw = chunk.flaw {
        throw PictureError(.unusableText(keyword: chunk.keyword, reason: flaw), file: file)
      }
      let segment =
        chunk.keyword == GenerationParameters.keyword
        ? JPEGSegment(marker: JPEGSegment.exif, data: EXIF.block(userComment: chunk.text))
        : JPEGSegment(
          marker: JPEGSegment.comment,
          data: chunk.keyword == plainComment
            ? Array(chunk.text.utf8) : Array("\(chunk.keyword)\0\(chunk.text)".utf8))
      guard segment.data.count <= JPEGSegment.capacity else {
        let reason = "a JPEG's segment ends at \(JPEGSegment.capacity) bytes"
        throw PictureError(.unusableText(keyword: chunk.keyword, reason: reason), file: file)
      }
      segments.append(segment)
    }
    return segments
  }

  /// The texts in a file's segments, in the order of the file; the user comment is the first block's.
  static func texts(in segments: [JPEGSegment], exif: EXIF?) -> [TextChunk] {
    var (texts, isFirst) = ([TextChunk](), true)
    for segment in segments {
      if segment.marker == JPEGSegment.comment {
        texts.append(text(ofComment: segment.data))
      } else if isFirst, segment.isEXIF, let comment = exif?.userComment {
        let isParameters = !GenerationParameters(text: comment).fields.isEmpty
        texts.append(
          TextChunk(keyword: isParameters ? GenerationParameters.keyword : userComment, text: comment))
      }
      if segment.isEXIF { isFirst = false }
    }
    return texts
  }

  private static func text(ofComment data: [UInt8]) -> TextChunk {
    if let end = data.firstIndex(of: 0), end + 1 < data.count {
      let keyword = String(decoding: data[..<end], as: UTF8.self)
      let chunk = TextChunk(keyword: keyword, text: String(decoding: data[(end + 1)...], as: UTF8.self))
      if chunk.flaw == nil { return chunk }
    }
    // Some programs end their comment with a NUL.
    let text = String(decoding: data.prefix { $0 != 0 }, as: UTF8.self)
    return TextChunk(keyword: plainComment, text: text)
  }
}

extension JPEGSegment {
  /// Whether it holds an EXIF block.
  var isEXIF: Bool { marker == Self.exif && data.starts(with: EXIF.prefix.prefix(5)) }
}
