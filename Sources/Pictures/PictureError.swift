import Foundation

/// Why a picture could not be read, made or written, and which file it was.
public struct PictureError: Error, Hashable, Sendable {
  /// What went wrong, apart from where.
  public enum Cause: Hashable, Sendable {
    /// The system would not hand out the bytes; the reason is the system's.
    case unreadable(reason: String)
    /// The file has no bytes.
    case empty
    /// The bytes start like plain text.
    case text
    /// A picture, but of a format that is not read here, such as WebP.
    case foreignFormat(name: String)
    /// The bytes start like nothing known.
    case unknownFormat
    /// The bytes end before the picture does.
    case truncated(format: PictureFormat)
    /// The decoder met bytes that no encoder writes; the reason is the decoder's.
    case damaged(format: PictureFormat, reason: String)
    /// A valid file of a kind that the decoder does not handle.
    case unsupported(format: PictureFormat, reason: String)
    /// More pixels than the limits allow.
    case tooLarge(width: Int, height: Int, limits: PictureLimits)
    /// An output name that ends in neither `.png` nor `.jpg`.
    case unknownExtension
    /// A text chunk that PNG cannot hold.
    case unusableText(keyword: String, reason: String)
    /// The encoder gave up; the reason is its own.
    case unencodable(reason: String)
    /// The darkroom recipe inside the file does not parse.
    case unreadableRecipe(reason: String)
    /// A grid of no pictures.
    case nothingToArrange
  }

  /// What went wrong.
  public let cause: Cause
  /// The file, as the user named it; for a picture in memory, what it is.
  public let file: String

  /// An error with its cause and the file it concerns.
  public init(_ cause: Cause, file: String) {
    self.cause = cause
    self.file = file
  }
}

extension PictureError: CustomStringConvertible, LocalizedError {
  /// One sentence that names the file, what is wrong with it and what to do.
  public var description: String {
    switch cause {
    case .unreadable(let reason):
      "\(file) cannot be read (\(reason)); check the path and its permissions."
    case .empty:
      "\(file) is empty (0 bytes); fetch it again."
    case .text:
      "\(file) holds text, not a picture; fetch the picture again, or name another file."
    case .foreignFormat(let name):
      "\(file) is a \(name) file, which Darkroom does not read; convert it to PNG or JPEG."
    case .unknownFormat:
      "\(file) is neither PNG nor JPEG; convert it to one of them, or name another file."
    case .truncated(let format):
      "\(file) is a truncated \(format.name): the data ends before the picture does; fetch it again."
    case .damaged(let format, let reason):
      "\(file) is a damaged \(format.name) (\(reason)); fetch it again."
    case .unsupported(let format, let reason):
      "\(file) is a \(format.name) of a kind that Darkroom does not read (\(reason)); "
        + "convert it to an ordinary PNG or JPEG."
    case .tooLarge(let width, let height, let limits):
      "\(file) is \(width)×\(height), beyond the limit of \(limits.maxSide) pixels a side and "
        + "\(limits.maxPixels / 1_000_000) megapixels; scale it down first."
    case .unknownExtension:
      "\(file) ends in no picture format that Darkroom writes; use .png or .jpg."
    case .unusableText(let keyword, let reason):
      "\(file) cannot hold the text \"\(keyword)\" (\(reason)); shorten or rename it."
    case .unencodable(let reason):
      "\(file) cannot be encoded (\(reason)); use PNG, or make the picture smaller."
    case .unreadableRecipe(let reason):
      "\(file) carries a recipe that cannot be read (\(reason)); a later Darkroom may have written it."
    case .nothingToArrange:
      "\(file) would be a grid of no pictures; name at least one."
    }
  }

  /// The same sentence, for code that only knows `Error`.
  public var errorDescription: String? { description }
}

/// What a decoder may be asked to allocate: the guard against decompression bombs.
public struct PictureLimits: Hashable, Sendable {
  /// The greatest width or height in pixels.
  public var maxSide: Int
  /// The greatest product of width and height.
  public var maxPixels: Int

  /// Limits; by default 50,000 pixels a side and 100 megapixels, which decode to 300 MB.
  public init(maxSide: Int = 50_000, maxPixels: Int = 100_000_000) {
    self.maxSide = maxSide
    self.maxPixels = maxPixels
  }

  /// - Throws: `PictureError` with `.tooLarge`.
  func require(width: Int, height: Int, file: String) throws(PictureError) {
    guard admit(width: width, height: height) else {
      throw PictureError(.tooLarge(width: width, height: height, limits: self), file: file)
    }
  }

  func admit(width: Int, height: Int) -> Bool {
    width > 0 && height > 0 && width <= maxSide && height <= maxSide && width <= maxPixels / height
  }
}
